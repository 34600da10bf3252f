/**
 * Gets the public tools that some tests compare with: Debian's docker-registry, skopeo, jq and openssl, and, where Go is, notation,
 * cosign, oras and crane at fixed versions below `.work/bin`. What cannot be had is said, and the tests that want it are
 * skipped. Building the Go programs takes some minutes, once: only in CI, and by hand with `npm run tools`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { aptInstall, findProgram, isDebianRoot } from './system.ts';

const debianTools = ['docker-registry', 'skopeo', 'jq', 'openssl'];

const goTools: Readonly<Record<string, string>> = {
  notation: 'github.com/notaryproject/notation/cmd/notation@v1.3.2',
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
  if (build && wanted.length > 0 && (await findProgram('go')) !== undefined) {
    await mkdir(bin, { recursive: true });
    for (const name of wanted) await goInstall(name, bin, log);
  }
  const absent = await without([...debianTools, ...Object.keys(goTools)]);
  if (absent.length > 0)
    log(
      `not here: ${absent.join(', ')}; the tests that need them are skipped${build ? '' : ' (npm run tools gets what can be had)'}`,
    );
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
