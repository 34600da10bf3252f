import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mapInOrder } from '../../domain/map-in-order.ts';
import { sha256 } from '../../domain/sha256.ts';
import { decodeText } from '../../dockerfile/decode.ts';
import type { IgnoreRules } from '../../dockerfile/ignore.ts';
import { parseIgnore } from '../../dockerfile/ignore.ts';
import { atLine } from '../../dockerfile/unreadable.ts';
import { readInput } from '../../files/read-input.ts';
import { systemCode } from '../../files/system-code.ts';
import { canonicalJson } from '../../json/canonical.ts';
import type { FileDigests } from './file-digests.ts';
import { unremembered } from './file-digests.ts';

/** One thing in the build context. Paths are relative, with `/`. */
export interface ContextEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  /** Whole seconds since the epoch. */
  readonly modified: number;
  readonly size: number;
  /** Of the content of a file. */
  readonly digest?: Digest;
  readonly target?: string;
}

export interface BuildContext {
  readonly directory: string;
  readonly entries: readonly ContextEntry[];
  /** Over names, types, modes and contents; not over times, which a checkout sets anew. */
  readonly digest: Digest;
  /** Newest file, whole seconds since the epoch; 0 for none. */
  readonly newest: number;
}

export interface ContextOptions {
  /** What is known of the directory. */
  readonly digests?: FileDigests;
  readonly signal?: AbortSignal | undefined;
}

/** Files or folders that are read at a time. */
const atOnce = 32;

/**
 * Reads the build context as Docker does: `.dockerignore` applies (`<Dockerfile>.dockerignore` goes before it), symbolic
 * links are sent as links, the Dockerfile and the ignore file are sent even if they are ignored.
 * @throws MANIFEST_INVALID for what cannot be sent (devices, pipes, names that are not UTF-8), and for an ignore file that
 * cannot be read or is not understood; of several such things it names the same one each time
 */
export async function readContext(
  directory: string,
  dockerfile: string,
  { digests = unremembered(directory), signal }: ContextOptions = {},
): Promise<BuildContext> {
  const found = await listContext(directory, posix.normalize(dockerfile), signal);
  const entries = await mapInOrder(found, atOnce, async ({ entry, facts }) => {
    signal?.throwIfAborted();
    return entry.type === 'file'
      ? { ...entry, ...(await reading(entry.path, () => digests.digestOf(entry.path, facts, signal))) }
      : entry;
  });
  await digests.save();
  return {
    directory,
    entries,
    digest: sha256(entries.map(lineOf).join('\n')),
    newest: entries.reduce(
      (newest, entry) => (entry.type === 'directory' ? newest : Math.max(newest, entry.modified)),
      0,
    ),
  };
}

interface Found {
  readonly entry: Omit<ContextEntry, 'digest'>;
  readonly facts: BigIntStats;
}

/** What is sent, in the order of the paths. One level of folders after the other, so that a wide tree is listed quickly. */
async function listContext(
  directory: string,
  dockerfile: string,
  signal: AbortSignal | undefined,
): Promise<readonly Found[]> {
  const ignore = await readIgnore(directory, dockerfile);
  const always = new Set([dockerfile, ignore.file]);
  const isIgnored = (path: string): boolean => ignore.ignores(path) && !always.has(path);
  // An ignored folder may hold what an exception (`!…`) or the Dockerfile's own path brings back.
  const isEntered = (path: string): boolean =>
    !isIgnored(path) || ignore.mayKeepIn(path) || [...always].some((kept) => kept.startsWith(`${path}/`));

  const namesIn = async (folder: string): Promise<readonly string[]> => {
    const read = async (): Promise<string[]> => readdir(join(directory, folder));
    // An ignored folder is only looked through for exceptions; one that nobody may look into has none to send.
    if (folder !== '' && ignore.ignores(folder)) return read().catch(() => []);
    return reading(folder === '' ? '.' : folder, read);
  };
  const look = async (path: string): Promise<Found | undefined> => {
    // A name that is not UTF-8 comes with this in its place: the file cannot even be asked for.
    if (path.includes('\uFFFD')) {
      if (isIgnored(path)) return undefined;
      throw unsendable(path, 'its name is not UTF-8');
    }
    const facts = await reading(path, () => lstat(join(directory, path), { bigint: true }));
    if (facts.isDirectory()) return { entry: { ...common(path, facts), type: 'directory', size: 0 }, facts };
    if (isIgnored(path) || facts.isSocket()) return undefined;
    if (facts.isFile())
      return { entry: { ...common(path, facts), type: 'file', size: Number(facts.size) }, facts };
    if (!facts.isSymbolicLink()) throw unsendable(path, 'it is a device or a pipe');
    const target = await reading(path, () => readlink(join(directory, path)));
    if (target.includes('\uFFFD')) throw unsendable(path, 'what it links to is not UTF-8');
    return { entry: { ...common(path, facts), type: 'symlink', size: 0, target }, facts };
  };

  const found: Found[] = [];
  for (let level: readonly string[] = ['']; level.length > 0;) {
    const inside = await mapInOrder(level, atOnce, async (folder) => {
      signal?.throwIfAborted();
      const names = [...(await namesIn(folder))].sort();
      return mapInOrder(names, atOnce, (name) => look(folder === '' ? name : `${folder}/${name}`));
    });
    const here = inside.flat().filter((one) => one !== undefined);
    level = here
      .filter(({ entry }) => entry.type === 'directory' && isEntered(entry.path))
      .map(({ entry }) => entry.path);
    found.push(...here.filter(({ entry }) => entry.type !== 'directory' || !isIgnored(entry.path)));
  }
  return found.sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
}

function lineOf({ path, type, mode, digest, target }: ContextEntry): string {
  return canonicalJson({ path, type, mode: type === 'symlink' ? undefined : mode, digest, target });
}

const common = (path: string, facts: BigIntStats): Pick<ContextEntry, 'path' | 'mode' | 'modified'> => ({
  path,
  mode: Number(facts.mode) & 0o7777,
  modified: Math.max(0, Number(facts.mtimeNs / 1_000_000_000n)),
});

interface Ignore extends IgnoreRules {
  readonly file: string;
}

/** `<Dockerfile>.dockerignore`, else `.dockerignore`; one that is there but cannot be read is not the same as none. */
async function readIgnore(directory: string, dockerfile: string): Promise<Ignore> {
  for (const file of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const bytes = await readIfThere(directory, file);
    if (!bytes) continue;
    const rules = atLine(file, () => parseIgnore(decodeText(bytes)));
    return { ...rules, file, ignores: (path) => atLine(file, () => rules.ignores(path)) };
  }
  return { file: '.dockerignore', mayKeepIn: () => false, ignores: () => false };
}

const maxIgnoreBytes = 1024 * 1024;

async function readIfThere(directory: string, file: string): Promise<Uint8Array | undefined> {
  // It is sent as a link, and the engine would look up another file.
  const facts = await lstat(join(directory, file)).catch(() => undefined);
  if (facts?.isSymbolicLink())
    throw new AmlpromoteError('MANIFEST_INVALID', `${file} is a symbolic link`, {
      nextSteps: [`Put the file itself there: the engine would follow the link to another one.`],
    });
  try {
    return await readInput(join(directory, file), maxIgnoreBytes);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw new AmlpromoteError('MANIFEST_INVALID', `${file} is there, but cannot be read`, {
      cause,
      nextSteps: [`Make ${file} a file that can be read, or remove it: what it ignores must not be sent.`],
    });
  }
}

/** @throws MANIFEST_INVALID with the path, for whatever the file system says */
async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw unsendable(path, `it cannot be read (${code})`, error);
  }
}

const unsendable = (path: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', `the build context cannot be sent: ${path}: ${why}`, {
    nextSteps: ['Remove it from the context, or name it in .dockerignore.'],
    ...(cause === undefined ? {} : { cause }),
  });
