import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { createHasher, sha256 } from '../../domain/sha256.ts';
import { decodeText } from '../../dockerfile/decode.ts';
import type { IgnoreRules } from '../../dockerfile/ignore.ts';
import { parseIgnore } from '../../dockerfile/ignore.ts';
import { atLine } from '../../dockerfile/unreadable.ts';
import { readInput } from '../../files/read-input.ts';
import { systemCode } from '../../files/system-code.ts';
import { canonicalJson } from '../../json/canonical.ts';

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

/**
 * Reads the build context as Docker does: `.dockerignore` applies (`<Dockerfile>.dockerignore` goes before it), symbolic
 * links are sent as links, the Dockerfile and the ignore file are sent even if they are ignored.
 * @throws MANIFEST_INVALID for what cannot be sent (devices, pipes, names that are not UTF-8), and for an ignore file that
 * cannot be read or is not understood
 */
export async function readContext(directory: string, dockerfile: string): Promise<BuildContext> {
  const named = posix.normalize(dockerfile);
  const ignore = await readIgnore(directory, named);
  const always = new Set([named, ignore.file]);
  const entries: ContextEntry[] = [];

  const names = async (folder: string): Promise<string[]> => {
    const read = async (): Promise<string[]> => readdir(join(directory, folder));
    // An ignored folder is only looked through for exceptions; one that nobody may look into has none to send.
    if (folder !== '' && ignore.ignores(folder)) return read().catch(() => []);
    return reading(folder === '' ? '.' : folder, read);
  };
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await names(folder)).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const ignored = ignore.ignores(path) && !always.has(path);
      // A name that is not UTF-8 comes with this in its place: the file cannot even be asked for.
      if (name.includes('\uFFFD')) {
        if (ignored) continue;
        throw unsendable(path, 'its name is not UTF-8');
      }
      const facts = await reading(path, () => lstat(join(directory, path)));
      if (facts.isDirectory()) {
        if (!ignored) entries.push({ ...common(path, facts), type: 'directory', size: 0 });
        // An ignored folder may hold what an exception (`!…`) or the Dockerfile's own path brings back.
        if (!ignored || ignore.mayKeepIn(path) || [...always].some((kept) => kept.startsWith(`${path}/`)))
          await visit(path);
        continue;
      }
      if (ignored || facts.isSocket()) continue;
      if (facts.isSymbolicLink()) {
        entries.push({
          ...common(path, facts),
          type: 'symlink',
          size: 0,
          target: await reading(path, () => readlink(join(directory, path))),
        });
      } else if (facts.isFile()) {
        const { digest, size } = await reading(path, () => hashFile(join(directory, path)));
        entries.push({ ...common(path, facts), type: 'file', size, digest });
      } else {
        throw unsendable(path, 'it is a device or a pipe');
      }
    }
  };
  await visit('');
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
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

function lineOf({ path, type, mode, digest, target }: ContextEntry): string {
  return canonicalJson({ path, type, mode: type === 'symlink' ? undefined : mode, digest, target });
}

const common = (
  path: string,
  facts: { readonly mode: number; readonly mtimeMs: number },
): Pick<ContextEntry, 'path' | 'mode' | 'modified'> => ({
  path,
  mode: facts.mode & 0o7777,
  modified: Math.max(0, Math.floor(facts.mtimeMs / 1000)),
});

async function hashFile(file: string): Promise<{ digest: Digest; size: number }> {
  const hasher = createHasher();
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    hasher.update(chunk as Uint8Array);
    size += (chunk as Uint8Array).byteLength;
  }
  return { digest: hasher.digest(), size };
}

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
