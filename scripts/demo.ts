import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { PromoteOutput } from '../src/cli/outputs.ts';
import { clean, count, duration, table } from '../src/cli/text.ts';
import { ensureBaseImage } from './base-image.ts';
import { ensureEngine } from './engine.ts';
import { explain } from './explain.ts';

/**
 * `npm run demo`: two sample images go from a Dockerfile to a batch job in the sealed zone. Outside and inside are separate
 * processes with separate stores, keys and identities; only release.json passes between them.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const work = path.join(root, '.work');
const sandbox = path.join(work, 'demo');
const samples = ['churn-train', 'churn-score'];
const started = performance.now();

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const heading = (text: string): void => say(`\n== ${text} ==`);

if (process.argv.includes('--fresh')) await rm(sandbox, { recursive: true, force: true });

heading('a Docker-compatible engine');
const engine = await ensureEngine({ workDir: work, log: say, install: true });
if (!engine) {
  say(
    'could not check (ENGINE_UNREACHABLE): no Docker-compatible engine was found, and none could be installed',
  );
  say(
    '  next: install and start Docker or Podman, or set DOCKER_HOST, or run this as root on Debian or Ubuntu',
  );
  process.exit(20);
}
try {
  process.exitCode = await demo(engine.host);
} catch (error) {
  process.exitCode = explain(error, say);
} finally {
  await engine.stop();
}

async function demo(host: string): Promise<number> {
  heading('the base image of the samples');
  await ensureBaseImage({ dockerHost: host, workDir: work, log: say });

  heading('the local two-zone Azure');
  await amlpromote(host, ['sandbox', 'start', '--dir', sandbox, '--detach']);
  try {
    const results: PromoteOutput[] = [];
    for (const sample of samples) results.push(await cross(host, sample));
    heading('what crossed');
    say(results.map(summary).join('\n\n'));
    say(
      `\nAll of it took ${duration(performance.now() - started)}. Run it again: everything is there already but the jobs.`,
    );
    say(
      `Look around: npm run amlpromote -- sandbox start --dir ${path.relative(root, sandbox)}, then docs/verify-with-public-tools.md`,
    );
    return 0;
  } finally {
    await amlpromote(host, ['sandbox', 'stop', '--dir', sandbox]);
  }
}

async function cross(host: string, sample: string): Promise<PromoteOutput> {
  const handover = path.join(sandbox, `${sample}.release.json`);
  heading(`${sample}, outside: build, scan, publish, sign, release`);
  const outside = await promote(host, 'outside', [
    `manifests/images/${sample}.yaml`,
    '--outside',
    '--out',
    handover,
  ]);
  say(`         only ${path.relative(root, handover)} passes to the other side`);
  heading(`${sample}, inside: import, verify, register, run`);
  const inside = await promote(host, 'inside', ['--inside', handover]);
  return { ...outside, ...inside, ...(outside.scan ? { scan: outside.scan } : {}) };
}

async function promote(
  host: string,
  side: 'outside' | 'inside',
  args: readonly string[],
): Promise<PromoteOutput> {
  const folder = path.join(sandbox, side);
  const { stdout } = await amlpromote(host, [
    'promote',
    ...args,
    '--zones',
    path.join(folder, 'zones.yaml'),
    '--store',
    path.join(folder, 'store'),
    '--json',
  ]);
  return JSON.parse(stdout) as PromoteOutput;
}

async function amlpromote(host: string, args: readonly string[]): Promise<{ stdout: string }> {
  return await execa(process.execPath, [path.join(root, 'bin/dev.js'), ...args], {
    cwd: root,
    env: {
      DOCKER_HOST: host,
      AMLPROMOTE_CACHE: path.join(work, 'cache'),
      XDG_STATE_HOME: path.join(work, 'state'),
    },
    stdin: 'ignore',
    stderr: 'inherit',
  }).catch((error: unknown) => {
    // Under --json a failed command prints its error document on stdout: shown, for that is all there is to say.
    if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') say(error.stdout);
    throw error;
  });
}

function summary({
  image,
  scan,
  signatures,
  release,
  delivered,
  receipt,
  environment,
  job,
}: PromoteOutput): string {
  const verdict = scan
    ? `${scan.verdict}: ${count(scan.components, 'package')}, ${count(scan.findings, 'finding')}, database ${clean(scan.database.label ?? '')}`
    : '';
  return table([
    ['image', `${image.name ?? ''} ${image.version}`],
    ['digest', image.digest],
    ['verdict', verdict],
    ['signatures', signatures.map((one) => one.role).join(', ')],
    ['release', release ? `${release.counter}: ${release.digest}` : ''],
    ['delivered', delivered?.reference ?? ''],
    ['receipt', receipt?.digest ?? ''],
    ['environment', environment?.id ?? ''],
    ['job', job ? `${job.name}: ${job.status}` : ''],
    ...(job?.outputs ?? []).map((output) => [`  ${output.name}`, output.files.join(', ')]),
    ...(job?.log ?? '')
      .trimEnd()
      .split('\n')
      .slice(-3)
      .map((line) => ['  log', clean(line)]),
  ]);
}
