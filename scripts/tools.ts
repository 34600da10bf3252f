/**
 * Gets the programs that some tests compare with: Debian's docker-registry, skopeo, jq and openssl, and, where Go is, cosign,
 * oras and crane at fixed versions and our own judges of `test/oracles`, below `.work/bin`. What cannot be had is said, and the
 * tests that want it are skipped. Building the Go programs takes some minutes, once: only in CI, and by hand with
 * `npm run tools`.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { buildOracle, findOracles, isCurrent } from './oracles.ts';
import { aptInstall, findProgram, isDebianRoot } from './system.ts';

const oraclesFolder = path.resolve(import.meta.dirname, '../test/oracles');

const debianTools = ['docker-registry', 'skopeo', 'jq', 'openssl'];

const goTools: Readonly<Record<string, string>> = {
  oras: 'oras.land/oras/cmd/oras@v1.3.0',
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1',
  cosign: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
};

/** Milliseconds for one program: cosign has a thousand packages. */
const goTimeout = 20 * 60 * 1000;

export interface ToolOptions {
  readonly workDir: string;
  readonly log: (line: string) => void;
  /** Also build the Go programs that are missing: some minutes, once. */
  readonly build: boolean;
}

/** Adds what it finds or makes to `PATH` of this process and of those that it starts. */
export async function ensureTools({ workDir, log, build }: ToolOptions): Promise<void> {
  const bin = path.join(workDir, 'bin');
  addToPath(bin);
  for (const folder of ['/usr/local/go/bin', await goBin()]) if (folder) addToPath(folder);

  const missing = await without(debianTools);
  if (missing.length > 0 && (await isDebianRoot())) await aptInstall(missing, log);

  const wanted = await without(Object.keys(goTools));
  const hasGo = (await findProgram('go')) !== undefined;
  if (hasGo) await mkdir(bin, { recursive: true });
  if (build && hasGo) for (const name of wanted) await goInstall(name, bin, log);
  const oracles = await ensureOracles({ bin, log, build: build && hasGo });
  const absent = await without([...debianTools, ...Object.keys(goTools), ...oracles]);
  if (absent.length > 0)
    log(
      `not here: ${absent.join(', ')}; the tests that need them are skipped${build ? '' : ' (npm run tools gets what can be had)'}`,
    );
}

/** One that is older than its sources is never left to answer: it is built again or taken away. Returns their names. */
async function ensureOracles(options: {
  readonly bin: string;
  readonly log: (line: string) => void;
  readonly build: boolean;
}): Promise<readonly string[]> {
  const { bin, log, build } = options;
  const oracles = await findOracles(oraclesFolder);
  for (const oracle of oracles) {
    if (await isCurrent(oracle, bin)) continue;
    const isOld = existsSync(path.join(bin, oracle.name));
    if (!build && !isOld) continue;
    log(`building ${oracle.name}`);
    const problem = await buildOracle(oracle, bin);
    if (problem !== undefined) log(`go build of ${oracle.name} failed: ${problem}`);
  }
  return oracles.map(({ name }) => name);
}

async function goInstall(name: string, bin: string, log: (line: string) => void): Promise<void> {
  log(`building ${name} (${goTools[name] ?? ''})`);
  const result = await execa('go', ['install', goTools[name] ?? ''], {
    env: { GOBIN: bin, GOFLAGS: '-mod=mod' },
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: goTimeout,
  });
  if (result.failed) log(`go install ${name} failed: ${result.all.trim().split('\n').slice(-2).join(' | ')}`);
}

async function goBin(): Promise<string | undefined> {
  const { stdout, failed } = await execa('go', ['env', 'GOPATH'], { reject: false });
  return failed || !stdout ? undefined : path.join(stdout, 'bin');
}

async function without(names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(async (name) => ((await findProgram(name)) === undefined ? [name] : [])),
  );
  return found.flat();
}

function addToPath(folder: string): void {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  if (!folders.includes(folder)) process.env['PATH'] = [...folders, folder].join(path.delimiter);
}

if (import.meta.main) {
  await ensureTools({
    workDir: path.resolve(import.meta.dirname, '../.work'),
    log: (line) => void process.stdout.write(`${line}\n`),
    build: true,
  });
}
