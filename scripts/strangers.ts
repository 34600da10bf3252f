/**
 * `npm run test:strangers [-- --sample] [-- --if-installed]`: clients that others wrote, against the sandbox: azure-cli and
 * azure-ai-ml from PyPI (each in a virtual environment below `.work/strangers`, at the versions of `test/strangers/*.txt`) and
 * the OCI conformance suite through Go's module proxy. Ends with `N passed, N failed, N skipped` alone on a line
 * when any could run.
 *
 * `--sample` runs a few commands of each; `--if-installed` installs nothing, and what is not there is skipped and said. What is
 * asked for and cannot be had is a failure.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { ensureEngine } from './engine.ts';
import { findProgram } from './system.ts';
import { TapReader } from './tap.ts';

const root = path.resolve(import.meta.dirname, '..');
const work = path.join(root, '.work/strangers');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** distribution-spec's own suite, at the commit of 31 August 2026. */
const conformance =
  'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111';

const minutes = 60_000;

// Ctrl-C reaches the children by themselves; this process must live on to stop the engine.
process.on('SIGINT', () => {});

const { values: flags } = parseArgs({
  options: {
    sample: { type: 'boolean', default: false },
    'if-installed': { type: 'boolean', default: false },
  },
});
const install = !flags['if-installed'];
const az = await pythonProgram('azure-cli', 'az');
const python = await pythonProgram('azure-ai-ml', 'python');
const suite = await conformanceSuite();
const programs = { az, python, suite };
const absent = Object.entries(programs).filter(([, program]) => program === undefined);
for (const [name] of absent)
  say(`not installed: ${name}; its tests are skipped (npm run test:strangers installs it)`);
if (absent.length === Object.keys(programs).length) {
  // No line of counts: whoever reads a log would take it for the result of the whole.
  say(install ? 'FAILED: no client could be installed' : 'no client is installed: nothing was run');
  process.exit(install ? 1 : 0);
}
const engine = await ensureEngine({ workDir: path.join(root, '.work'), log: say, install });
try {
  const { passed, failed, skipped } = await run({
    ...(az && { AMLPROMOTE_STRANGERS_AZ: az }),
    ...(python && { AMLPROMOTE_STRANGERS_PYTHON: python }),
    ...(suite && { AMLPROMOTE_STRANGERS_CONFORMANCE: suite }),
    ...(flags.sample && { AMLPROMOTE_STRANGERS_SAMPLE: '1' }),
    ...(engine && { AMLPROMOTE_TEST_DOCKER_HOST: engine.host }),
  });
  const missing = install ? absent.length : 0;
  say(`${String(passed)} passed, ${String(failed + missing)} failed, ${String(skipped)} skipped`);
  process.exitCode = failed + missing > 0 || passed === 0 ? 1 : 0;
} finally {
  await engine?.stop();
}

/** A program of a virtual environment with the pinned packages of `test/strangers/NAME.txt`; made anew when they change. */
async function pythonProgram(name: string, program: string): Promise<string | undefined> {
  const folder = path.join(work, name);
  const list = path.join(root, 'test/strangers', `${name}.txt`);
  const wanted = createHash('sha256')
    .update(await readFile(list))
    .digest('hex');
  const mark = path.join(folder, 'installed');
  const found = path.join(folder, 'bin', program);
  if ((await readFile(mark, 'utf8').catch(() => '')) === wanted && (await exists(found))) return found;
  if (!install) return undefined;
  if ((await findProgram('python3')) === undefined) {
    say(`${name}: there is no python3`);
    return undefined;
  }
  say(`installing ${name} (once, some minutes)`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const steps = [
    ['python3', '-m', 'venv', folder],
    [path.join(folder, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', '-r', list],
  ];
  for (const [command = '', ...args] of steps) {
    const done = await execa(command, args, {
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: 20 * minutes,
    });
    if (!done.failed) continue;
    say(`${name} cannot be installed: ${done.all.trim().split('\n').slice(-2).join(' | ')}`);
    return undefined;
  }
  await writeFile(mark, wanted);
  return found;
}

async function conformanceSuite(): Promise<string | undefined> {
  const found = path.join(work, 'bin', 'conformance');
  const mark = path.join(work, 'bin', 'conformance.version');
  if ((await readFile(mark, 'utf8').catch(() => '')) === conformance && (await exists(found))) return found;
  if (!install) return undefined;
  const go = (await findProgram('go')) ?? '/usr/local/go/bin/go';
  if (!(await exists(go))) {
    say('the OCI conformance suite: there is no go');
    return undefined;
  }
  const done = await execa(go, ['install', conformance], {
    env: { GOBIN: path.join(work, 'bin'), GOFLAGS: '-mod=mod' },
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: 10 * minutes,
  });
  if (done.failed) {
    say(`the OCI conformance suite cannot be built: ${done.all.trim().split('\n').slice(-2).join(' | ')}`);
    return undefined;
  }
  await writeFile(mark, conformance);
  return found;
}

async function run(env: Readonly<Record<string, string>>) {
  const reader = new TapReader((event) => {
    say(`${event.type === 'passed' ? '+' : event.type === 'failed' ? 'FAILED' : '-'} ${event.title}`);
    if (event.type === 'failed') for (const line of event.details) say(line);
  });
  // One at a time: two of these clients at once tell nothing more, and are slow.
  const args = ['--tap', '--concurrency=1', 'test/strangers/*.test.ts'];
  const child = execa('ava', args, {
    cwd: root,
    preferLocal: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 40 * minutes,
    reject: false,
    buffer: false,
    env,
  });
  for await (const line of createInterface({ input: child.stdout })) reader.line(line);
  const { exitCode, timedOut } = await child;
  if (timedOut) say('stopped: longer than 40 minutes');
  return reader.end(exitCode);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
