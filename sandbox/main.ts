import { parseArgs } from 'node:util';
import { startSandbox } from './index.ts';

/**
 * A sandbox as a process of its own: `node main.js [--tls-443] DIR [ENGINE_HOST]`. Writes its description as one line of JSON to
 * stdout once it serves; ends on SIGTERM, SIGINT or `amlpromote sandbox stop`.
 */
const { values, positionals } = parseArgs({
  options: { 'tls-443': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [dir, engineHost] = positionals;
if (dir === undefined) throw new Error('usage: main.js [--tls-443] DIR [ENGINE_HOST]');
const sandbox = await startSandbox({ dir, engineHost, tls443: values['tls-443'] });
process.stdout.write(`${JSON.stringify(sandbox.description)}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
await sandbox.stopped;
// Whatever a job left behind must not keep the process.
process.exit(0);
