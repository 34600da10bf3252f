import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './files.ts';
import type { Lock } from './lock.ts';
import type { StorePaths } from './paths.ts';
import { parseIdentity, selfIdentity, stateOf, stateOfName } from './process.ts';

/** A session of a process that cannot be judged (another host) counts as over after this many milliseconds. */
const unknownSessionAge = 7 * 24 * 3600 * 1000;

const openSessions = new Set<string>();
let watchesExit = false;

/**
 * Registers this process as a writer before it relies on anything that no tag protects yet. Whatever it writes or finds
 * from then on has a modification time after its session's, and `prune` leaves such content alone. Takes the lock, so it
 * waits for a prune that is under way.
 */
export function createSession(paths: StorePaths, lock: Lock): () => Promise<void> {
  let started: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    await sweep(paths, Date.now());
    const file = join(paths.sessions, randomUUID());
    await lock(() => writeFile(file, JSON.stringify(selfIdentity()), { flag: 'wx' }));
    openSessions.add(file);
    if (watchesExit) return;
    watchesExit = true;
    process.once('exit', () => {
      for (const open of openSessions) rmSync(open, { force: true });
    });
  };
  return async () => {
    started ??= start();
    try {
      await started;
    } catch (error) {
      started = undefined;
      throw error;
    }
  };
}

/**
 * Frees the temporary files and sessions of processes that are certainly gone, so that killed commands do not fill the disk.
 * Needs no lock: their names never come back, and any number of processes may do this at once. What cannot be judged (of
 * another host, or of version 0.1.0) goes after a week. A convenience, so it never fails.
 */
async function sweep(paths: StorePaths, now: number): Promise<void> {
  try {
    await oldestSession(paths, now);
    const known = new Map<string, ReturnType<typeof stateOfName>>();
    for (const name of await readdir(paths.temporary)) {
      const owner = name.slice(0, name.indexOf('.') + 1);
      const state = known.get(owner) ?? stateOfName(owner);
      known.set(owner, state);
      if (state === 'alive') continue;
      const file = join(paths.temporary, name);
      if (state === 'gone' || now - (await stat(file)).mtimeMs > unknownSessionAge)
        await rm(file, { force: true });
    }
  } catch {
    // The next command tries again, and `prune` says why it cannot.
  }
}

/**
 * Milliseconds since the epoch: content touched at or after this moment may be in use. Removes what dead processes left.
 * For an answer to rely on, call it under the lock.
 */
export async function oldestSession(paths: StorePaths, now: number): Promise<number> {
  let oldest = Number.POSITIVE_INFINITY;
  for (const name of await readdir(paths.sessions)) {
    const file = join(paths.sessions, name);
    try {
      const { mtimeMs } = await stat(file);
      const identity = parseIdentity(parse(await readFile(file, 'utf8')));
      const state = identity ? stateOf(identity) : 'unknown';
      if (state === 'gone' || (state === 'unknown' && now - mtimeMs > unknownSessionAge)) {
        await rm(file, { force: true });
      } else {
        oldest = Math.min(oldest, mtimeMs);
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return oldest;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
