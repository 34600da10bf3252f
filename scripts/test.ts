/**
 * `npm test [-- FILE…]`: the whole suite, or some files. Gets what the tests can use (public tools, a Docker engine), runs ava
 * and ends with `N passed, N failed, N skipped` alone on a line. Fails on any failure, on a skip that does not say what the test
 * needs, and when nothing ran.
 *
 * `npm run test:bare [-- FILE…]`: the same on the machine of a newcomer, with none of the programs that tests can use, and gets
 * nothing. Every file must load there, and what cannot run must be skipped and say why.
 */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { bareEnvironment } from './bare.ts';
import { ensureEngine } from './engine.ts';
import { Skips } from './skips.ts';
import { TapReader } from './tap.ts';
import type { TapEvent, TapTotals } from './tap.ts';
import { ensureTools } from './tools.ts';

interface Prepared {
  /** Added to the environment of this process, or instead of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly extendEnv: boolean;
  close(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, '..');
const workDir = path.join(root, '.work');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Longer than anything that still makes sense; ava has its own, shorter limit per silence. */
const limitMs = 20 * 60 * 1000;

// Ctrl-C reaches the children by themselves; this process must live on to stop the engine.
process.on('SIGINT', () => {});

const bare = process.argv.includes('--bare');
const files = process.argv.slice(2).filter((argument) => argument !== '--bare');
const beganAt = performance.now();
const prepared = bare ? { ...(await bareEnvironment()), extendEnv: false } : await prepare();
const preparedAt = performance.now();
const skips = new Skips();
try {
  const totals = await runAva(prepared);
  say(`prepared in ${seconds(preparedAt - beganAt)}, tested in ${seconds(performance.now() - preparedAt)}`);
  for (const line of skips.lines()) say(`skipped: ${line}`);
  for (const title of skips.unexplained)
    say(`FAILED: a skip that does not say what the test needs: ${title}`);
  const failed = totals.failed + skips.unexplained.length;
  // Some files of the bare leg may have nothing that could run; the whole suite has.
  const ran = totals.passed > 0 || (bare && files.length > 0 && totals.skipped > 0);
  if (!ran && failed === 0) say('no test ran');
  const nothingSkipped = bare && files.length === 0 && totals.skipped === 0;
  if (nothingSkipped) say('FAILED: nothing was skipped, so the programs were found all the same');
  say(`${String(totals.passed)} passed, ${String(failed)} failed, ${String(totals.skipped)} skipped`);
  process.exitCode = failed > 0 || nothingSkipped || !ran ? 1 : 0;
} finally {
  await prepared.close();
}

async function prepare(): Promise<Prepared> {
  await ensureTools({ workDir, log: say, build: process.env['CI'] === 'true' });
  const engine = await ensureEngine({ workDir, log: say, install: true });
  if (!engine) say('no Docker engine: the tests that need one are skipped');
  return {
    env: engine ? { AMLPROMOTE_TEST_DOCKER_HOST: engine.host } : {},
    extendEnv: true,
    close: async () => engine?.stop(),
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

async function runAva({ env, extendEnv }: Prepared): Promise<TapTotals> {
  const reader = new TapReader(report());
  const ava = path.join(root, 'node_modules/ava/entrypoints/cli.js');
  const child = execa(process.execPath, [ava, '--tap', ...files], {
    cwd: root,
    // stderr carries what the tests' own processes print.
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: limitMs,
    reject: false,
    buffer: false,
    env,
    extendEnv,
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
function report(): (event: TapEvent) => void {
  let passed = 0;
  return (event) => {
    if (event.type === 'skipped') {
      skips.add(event.title);
      say(`skipped: ${event.title}`);
    } else if (event.type === 'failed') say(['FAILED: ' + event.title, ...event.details, ''].join('\n'));
    else if ((passed += 1) % 100 === 0)
      say(`… ${String(passed)} passed, ${seconds(performance.now() - preparedAt)}`);
  };
}
