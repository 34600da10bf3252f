/**
 * Differential tests with many generated inputs: every `test/**\/*.fuzz.test.ts`, whose seeds are fixed. They need the oracles
 * that `npm run tools` builds. `npm run test:fuzz -- 50000` for another number of inputs than 12,000.
 */
import process from 'node:process';
import { execa } from 'execa';

const runs = process.argv[2] ?? '12000';
const { exitCode } = await execa('ava', ['test/**/*.fuzz.test.ts'], {
  preferLocal: true,
  stdio: 'inherit',
  reject: false,
  env: { AMLPROMOTE_FUZZ_RUNS: runs },
});
process.exitCode = exitCode ?? 1;
