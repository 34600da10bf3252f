import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AmlpromoteError } from '../../domain/errors.ts';
import { makeDirectory } from '../../files/make-directory.ts';

/**
 * Small files that decide something later, so only this user may have written them: 0600 in a directory of 0700. On systems
 * without owners and modes (Windows) the user's profile is what keeps others out.
 */
const mayCheck = typeof process.getuid === 'function';

/** Windows has neither of the last two. Without them a link, or a pipe that nobody writes to, would be opened. */
const optional: { readonly O_NOFOLLOW?: number; readonly O_NONBLOCK?: number } = constants;
const readOnly = constants.O_RDONLY | (optional.O_NOFOLLOW ?? 0) | (optional.O_NONBLOCK ?? 0);

/** No state of ours is nearly as large. */
const maxBytes = 1024 * 1024;

/** Old content or new content, whatever happens; on the disk when it returns. @throws FORBIDDEN, DISK_FULL, USAGE */
export async function writeOwnFile(file: string, bytes: Uint8Array): Promise<void> {
  const directory = path.dirname(file);
  await guarded(directory, async () => {
    makeDirectory(directory, 0o700);
    requireOwn(directory, await stat(directory));
    const temporary = path.join(directory, `.${randomUUID()}.tmp`);
    try {
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncDirectory(directory);
  });
}

/** Names of the files; none where there is no directory yet. @throws FORBIDDEN, USAGE */
export async function listOwnFiles(directory: string): Promise<readonly string[]> {
  return await guarded(directory, async () => {
    try {
      requireOwn(directory, await stat(directory));
      return (await readdir(directory)).sort();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}

/** @throws CONTENT_INVALID for a link, a file that others may write, or one that is too large */
export async function readOwnFile(file: string): Promise<Uint8Array> {
  let handle;
  try {
    handle = await open(file, readOnly);
    const found = await handle.stat();
    if (!found.isFile()) throw foreign('is not a regular file');
    if (mayCheck && found.uid !== process.getuid?.()) throw foreign('belongs to another user');
    if (mayCheck && (found.mode & 0o077) !== 0) throw foreign('is open to other users (mode 0600 is wanted)');
    if (found.size > maxBytes) throw foreign(`is larger than ${maxBytes} bytes`);
    return await handle.readFile();
  } catch (error) {
    if (error instanceof AmlpromoteError) throw error;
    throw foreign(`cannot be read (${codeOf(error) ?? 'unknown'})`);
  } finally {
    await handle?.close();
  }
}

/** Gone, or left where it is: it would only take room. */
export const removeFile = async (file: string): Promise<void> => {
  await rm(file, { force: true }).catch(() => undefined);
};

const foreign = (what: string): AmlpromoteError => new AmlpromoteError('CONTENT_INVALID', `it ${what}`);

/** Whoever may write the directory may take files away and put others there. */
function requireOwn(directory: string, found: { readonly uid: number; readonly mode: number }): void {
  if (!mayCheck) return;
  const why =
    found.uid !== process.getuid?.()
      ? 'belongs to another user'
      : (found.mode & 0o022) !== 0
        ? 'may be written by other users'
        : undefined;
  if (why === undefined) return;
  throw new AmlpromoteError('FORBIDDEN', `the state directory ${directory} ${why}`, {
    nextSteps: [
      `Make it private to this user (chmod 700 ${directory}), or name another place by XDG_STATE_HOME.`,
    ],
  });
}

async function guarded<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explained(error, directory);
  }
}

function explained(error: unknown, directory: string): unknown {
  const elsewhere = 'or name another place by XDG_STATE_HOME.';
  switch (codeOf(error) ?? '') {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AmlpromoteError('FORBIDDEN', `the state directory ${directory} may not be used`, {
        cause: error,
        nextSteps: [`Let this user read and write ${directory}, ${elsewhere}`],
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new AmlpromoteError('DISK_FULL', `no space is left for the state directory ${directory}`, {
        cause: error,
        nextSteps: [`Free space there, ${elsewhere}`],
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new AmlpromoteError('USAGE', `the state directory ${directory} is not a directory`, {
        cause: error,
        nextSteps: [`Move away the file that is in its place, ${elsewhere}`],
      });
    default:
      return error;
  }
}

/** A rename is durable only once its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory for this; its file systems journal the rename themselves.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
