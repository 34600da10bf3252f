import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AmlpromoteError } from '../../domain/errors.ts';
import { systemCode } from '../../files/system-code.ts';
import { selfName } from './process.ts';
import type { StorePaths } from './paths.ts';

export const isMissing = (error: unknown): boolean => systemCode(error) === 'ENOENT';

/** Runs `work`, turning what a file system says into what an operator can act on. `what` completes "could not …". */
export async function guarded<T>(directory: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, directory, what);
  }
}

/** DISK_FULL, FORBIDDEN, USAGE or STORE_CORRUPT for system errors; everything else as it came. */
export function storeError(error: unknown, directory: string, what: string): unknown {
  switch (systemCode(error) ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AmlpromoteError('DISK_FULL', `could not ${what}: no space left for ${directory}`, {
        cause: error,
        nextSteps: [
          'Free space there, or run `amlpromote store prune`, then run the same command again: it goes on where it stopped.',
          'Or use another disk: --store DIR.',
        ],
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AmlpromoteError('FORBIDDEN', `could not ${what}: ${directory} may not be written`, {
        cause: error,
        nextSteps: ['Make the directory writable for this user, or use another one: --store DIR.'],
      });
    case 'ENOENT':
      return new AmlpromoteError(
        'USAGE',
        `could not ${what}: ${directory} cannot be made, or is not there any more`,
        {
          cause: error,
          nextSteps: ['Name a directory that can be made: --store DIR.'],
        },
      );
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EINVAL':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return new AmlpromoteError('USAGE', `could not ${what}: ${directory} is not a store`, {
        cause: error,
        nextSteps: ['Name a directory of its own for the store: --store DIR.'],
      });
    case 'EIO':
      return new AmlpromoteError('STORE_CORRUPT', `could not ${what}: the disk of ${directory} fails`, {
        cause: error,
        nextSteps: ['Check the disk, then start with a new store directory: --store DIR.'],
      });
    default:
      return error;
  }
}

/** A new name in the store's temporary directory; it tells which process made it, so that `prune` can judge. */
export const temporaryPath = (paths: StorePaths): string =>
  join(paths.temporary, `${selfName()}.${randomUUID()}`);

/** The file has either its old content or the new one, whatever happens, and the new one survives a power cut. */
export async function writeAtomically(paths: StorePaths, target: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryPath(paths);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A rename is durable only once its directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory for this; its file systems journal the rename themselves.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
