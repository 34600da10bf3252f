#!/usr/bin/env node
// Runs the commands from their sources (Node strips the types): `npm run amlpromote -- …` in a checkout.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flush, handle, run } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
pjson.oclif.commands = './commands';
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
await run(process.argv.slice(2), { root, ignoreManifest: true, pjson }).then(() => flush(), handle);
