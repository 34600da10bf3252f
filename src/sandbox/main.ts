import { startSandbox } from './index.ts';

/**
 * A sandbox as a process of its own: `node main.js DIR [ENGINE_HOST]`. Writes its description as one line of JSON to
 * stdout once it serves; ends on SIGTERM, SIGINT or `amlpromote sandbox stop`.
 */
const [dir, engineHost] = process.argv.slice(2);
if (dir === undefined) throw new Error('usage: main.js DIR [ENGINE_HOST]');
const sandbox = await startSandbox({ dir, engineHost });
process.stdout.write(`${JSON.stringify(sandbox.description)}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
await sandbox.stopped;
// Whatever a job left behind must not keep the process.
process.exit(0);
