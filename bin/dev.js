#!/usr/bin/env node
// Runs the commands from their sources (Node strips the types): `npm run amlpromote -- …` in a checkout.
import './streams.js';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { handle, run } from '@oclif/core';

// Checked here as well: an older Node would only say that no command exists.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  console.error(
    `amlpromote needs Node.js 22.22 or newer; this is ${process.versions.node}. Use: npm run amlpromote -- …`,
  );
  process.exit(2);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
pjson.oclif.commands = './commands';
pjson.oclif.hooks.command_not_found.target = './src/cli/command-not-found.ts';
await run(process.argv.slice(2), { root, ignoreManifest: true, pjson }).catch(handle);
