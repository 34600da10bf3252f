/**
 * `npm test [-- FILE…]`: the whole suite, or some files. Gets what the tests can use (public tools, a Docker engine), runs ava
 * and ends with `N passed, N failed, N skipped` alone on a line. Fails on any failure, and when nothing ran.
 */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { ensureEngine } from './engine.ts';
import { TapReader } from './tap.ts';
import type { TapEvent, TapTotals } from './tap.ts';
import { ensureTools } from './tools.ts';

const root = path.resolve(import.meta.dirname, '..');
const workDir = path.join(root, '.work');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Longer than anything that still makes sense; ava has its own, shorter limit per silence. */
const limitMs = 20 * 60 * 1000;

// Ctrl-C reaches the children by themselves; this process must live on to stop the engine.
process.on('SIGINT', () => {});

const beganAt = performance.now();
await ensureTools({ workDir, log: say, build: process.env['CI'] === 'true' });
const engine = await ensureEngine({ workDir, log: say, install: true });
if (!engine) say('no Docker engine: the tests that need one are skipped');
const preparedAt = performance.now();
try {
  const totals = await runAva(process.argv.slice(2));
  say(`prepared in ${seconds(preparedAt - beganAt)}, tested in ${seconds(performance.now() - preparedAt)}`);
  if (totals.passed + totals.failed + totals.skipped === 0) say('no tests were found');
  say(`${String(totals.passed)} passed, ${String(totals.failed)} failed, ${String(totals.skipped)} skipped`);
  process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
} finally {
  await engine?.stop();
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

async function runAva(files: readonly string[]): Promise<TapTotals> {
  const report = reporter();
  const reader = new TapReader(report);
  const child = execa('ava', ['--tap', ...files], {
    cwd: root,
    preferLocal: true,
    // stderr carries what the tests' own processes print.
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: limitMs,
    reject: false,
    buffer: false,
    env: engine ? { AMLPROMOTE_TEST_DOCKER_HOST: engine.host } : {},
  });
  const stop = (): void => void child.kill('SIGTERM');
  process.once('SIGTERM', stop);
  for await (const line of createInterface({ input: child.stdout })) reader.line(line);
  const { exitCode, timedOut } = await child;
  process.off('SIGTERM', stop);
  if (timedOut) say(`stopped: longer than ${seconds(limitMs)}`);
  return reader.end(exitCode);
}

/** Failures in full and skipped tests by title as they come; of what passes only a count, now and then. */
function reporter(): (event: TapEvent) => void {
  let passed = 0;
  return (event) => {
    if (event.type === 'skipped') say(`skipped: ${event.title}`);
    else if (event.type === 'failed') say(['FAILED: ' + event.title, ...event.details, ''].join('\n'));
    else if ((passed += 1) % 100 === 0)
      say(`… ${String(passed)} passed, ${seconds(performance.now() - preparedAt)}`);
  };
}
