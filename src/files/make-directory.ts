import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { systemCode } from './system-code.ts';

/**
 * `mkdir -p`. Not Node's `recursive: true`: where a parent is there and yet nothing can be made in it (`/proc`, some network
 * mounts: ENOENT, not EACCES), that begins again for ever, at full speed and deaf to signals. Here each level is tried once on
 * the way up and once on the way down. A few system calls, so it may as well be synchronous.
 * @param mode of directories that are made
 * @throws what the file system says: ENOTDIR for a file in the way, ENOENT where nothing can be made
 */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isMade(at, mode); at = dirname(at)) {
    if (missing.length > 0 && dirname(at) === at) break;
    missing.push(at);
  }
  for (const directory of missing.reverse()) {
    if (!isMade(directory, mode)) throw new MissingParent(directory);
  }
}

/** Makes one directory, or finds it; false when its parent is missing. */
function isMade(directory: string, mode: number): boolean {
  try {
    mkdirSync(directory, { mode });
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return false;
    // What is there must be a directory: with the dot a file is ENOTDIR. Read-only systems may say EROFS of what is there.
    if (code !== 'EEXIST' && code !== 'EISDIR' && code !== 'EROFS') throw error;
    try {
      statSync(join(directory, '/'));
    } catch (inner) {
      throw code === 'EROFS' ? error : inner;
    }
    return true;
  }
}

/** In the form of Node's own errors. */
class MissingParent extends Error {
  readonly code = 'ENOENT';
  constructor(directory: string) {
    super(`ENOENT: nothing can be made in ${dirname(directory)}, mkdir '${directory}'`);
  }
}
