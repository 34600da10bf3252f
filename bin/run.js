#!/usr/bin/env node
import './streams.js';
import { readFileSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  console.error(`amlpromote needs Node.js 22.22 or newer; this is ${process.versions.node}.`);
  process.exit(2);
}

if (process.argv.length === 3 && ['--version', '-v', 'version'].includes(process.argv[2])) {
  // The question that every pipeline asks first is answered without loading anything.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  console.log(`amlpromote/${version} ${process.platform}-${process.arch} node-v${process.versions.node}`);
} else {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { run } = await import('@oclif/core/run');
  const { handle } = await import('@oclif/core/handle');
  // No flush: Node ends when all is written, and oclif's gives a slow reader ten seconds.
  await run(process.argv.slice(2), import.meta.url).catch(handle);
}
