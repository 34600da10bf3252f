import { randomBytes, randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { chmod, link, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from '../../files/make-directory.ts';
import type { Seal } from '../../ports/seal.ts';
import { hmacSeal } from './hmac.ts';

const keyBytes = 32;
const keyName = 'seal.key';

export interface FileSealOptions {
  /** For the key, and nothing that is kept between machines: `$XDG_STATE_HOME/amlpromote`. */
  readonly directory: string;
  /** Where sealed records lie. A key in there would be as good as none: who writes records could write seals. */
  readonly apartFrom: readonly string[];
  readonly onNote: (message: string) => void;
}

/**
 * The seal of this machine and user; its key is made at first use. Where a key cannot be kept, records of this run are
 * sealed for this run only: everything works, and nothing is remembered. Never throws for that.
 */
export async function openFileSeal(options: FileSealOptions): Promise<Seal> {
  const { directory, onNote } = options;
  try {
    return hmacSeal(await keyIn(options));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    onNote(
      `no key for local records can be kept in ${directory} (${why}): what earlier runs kept is not believed, and is made again`,
    );
    return hmacSeal(randomBytes(keyBytes));
  }
}

async function keyIn({ directory, apartFrom, onNote }: FileSealOptions): Promise<Uint8Array> {
  makeDirectory(directory, 0o700);
  await refuseInside(directory, apartFrom);
  await closeToOthers(directory);
  const file = path.join(directory, keyName);
  const found = await readKey(file);
  if (found instanceof Uint8Array) return found;
  if (found !== undefined) {
    onNote(`${file} ${found}: a new key is made, and what earlier runs kept is not believed`);
    await rm(file, { force: true });
  }
  await makeKey(directory, file);
  const made = await readKey(file);
  if (made instanceof Uint8Array) return made;
  throw new Error(`${keyName} ${made ?? 'is gone again'}`);
}

/** The key; a text that says why what is there is none; undefined when nothing is there. */
async function readKey(file: string): Promise<Uint8Array | string | undefined> {
  const info = await lstat(file).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!info) return undefined;
  if (!info.isFile()) return 'is not a file';
  if (hasModes && (info.mode & 0o077) !== 0) return 'may be read or written by others';
  if (hasModes && info.uid !== process.getuid?.()) return 'belongs to another user';
  const handle = await open(file, 'r');
  try {
    const key = await handle.readFile();
    return key.byteLength === keyBytes ? key : 'is damaged';
  } finally {
    await handle.close();
  }
}

/** Complete and durable before it has its name, and never over another one: of two processes, the first one's key counts. */
async function makeKey(directory: string, file: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await syncing(await open(temporary, 'wx', 0o600), (handle) => handle.writeFile(randomBytes(keyBytes)));
    try {
      await link(temporary, file);
    } catch (error) {
      if (isCode(error, 'EEXIST')) return;
      // A file system without hard links.
      await rename(temporary, file);
    }
    if (hasModes) await syncing(await open(directory, 'r'), () => Promise.resolve());
  } finally {
    await rm(temporary, { force: true });
  }
}

async function syncing(handle: FileHandle, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function refuseInside(directory: string, places: readonly string[]): Promise<void> {
  const real = await realpath(directory);
  for (const place of places) {
    const outer = await realpath(place).catch(() => path.resolve(place));
    const relative = path.relative(outer, real);
    if (relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative)))
      throw new Error(`it lies in ${place}, where the records are; set XDG_STATE_HOME to another place`);
  }
}

/** What a loose umask left open is closed; what was put there meanwhile is not ours, or may be read by others. */
async function closeToOthers(directory: string): Promise<void> {
  if (!hasModes) return;
  const { mode, uid } = await stat(directory);
  if (uid !== process.getuid?.()) throw new Error('it belongs to another user');
  if ((mode & 0o022) !== 0) await chmod(directory, 0o700);
}

/** Windows keeps rights otherwise, and a user's own folders to the user. */
const hasModes = process.platform !== 'win32';

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
