import { createHash } from 'node:crypto';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

/** Milliseconds for one program, with its modules to download. */
const limitMs = 10 * 60 * 1000;

/**
 * A Go program of ours below `test/oracles`: a foreign judge that the tests ask. Built into the tools' folder, and again when
 * its sources have changed, which a stamp beside it tells.
 */
export interface Oracle {
  /** Of the program: `amlpromote-oracle-notation`. */
  readonly name: string;
  readonly folder: string;
}

/** Every folder with a `go.mod`. */
export async function findOracles(folder: string): Promise<readonly Oracle[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries
    .filter((entry) => path.basename(entry) === 'go.mod')
    .map((entry) => path.dirname(entry))
    .filter((name) => name !== '.' && !name.includes(path.sep))
    .sort()
    .map((name) => ({ name: `amlpromote-oracle-${name}`, folder: path.join(folder, name) }));
}

export async function isCurrent(oracle: Oracle, bin: string): Promise<boolean> {
  const stamp = await readFile(stampOf(oracle, bin), 'utf8').catch(() => undefined);
  return stamp === (await sourcesOf(oracle));
}

/** @returns what went wrong; then no program is left, so that no old one answers for new sources */
export async function buildOracle(oracle: Oracle, bin: string, go = 'go'): Promise<string | undefined> {
  const target = path.join(bin, oracle.name);
  const sources = await sourcesOf(oracle);
  // Another process may run the old one, or build at the same time.
  const fresh = `${target}.${String(process.pid)}`;
  const result = await execa(
    go,
    ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', fresh, '.'],
    { cwd: oracle.folder, all: true, reject: false, stdin: 'ignore', timeout: limitMs },
  );
  if (result.failed) {
    await Promise.all([fresh, target, stampOf(oracle, bin)].map((file) => rm(file, { force: true })));
    return result.all.trim().split('\n').slice(-2).join(' | ') || result.shortMessage;
  }
  await rename(fresh, target);
  await writeFile(stampOf(oracle, bin), sources);
  return undefined;
}

const stampOf = ({ name }: Oracle, bin: string): string => path.join(bin, `${name}.sources`);

/** One hash over names and contents of everything in its folder. */
async function sourcesOf({ folder }: Oracle): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const content = await readFile(file);
    hash.update(`${path.relative(folder, file)} ${String(content.length)}\n`).update(content);
  }
  return hash.digest('hex');
}
