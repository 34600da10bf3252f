import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AmlpromoteError } from '../../domain/errors.ts';
import { systemCode } from '../../files/system-code.ts';
import type { ProcessIdentity } from './process.ts';
import { parseIdentity, selfIdentity, stateOf } from './process.ts';
import { isMissing, temporaryPath } from './files.ts';
import type { StorePaths } from './paths.ts';

/** Milliseconds; holders keep the lock for the time of one small file write, `prune` for that of deleting files. */
const defaultLockTimeout = 60_000;

export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

interface Holder {
  readonly nonce: string;
  readonly process: ProcessIdentity | undefined;
}

/**
 * Mutual exclusion between processes that share the directory, and within this one.
 *
 * The lock is a file made by `link` (atomic, with its content). A holder that died is recognised by pid and start time.
 * Who may take a dead holder's lock away is again decided by a `link`, of a name made from the dead holder's nonce: of
 * all that find it dead exactly one wins, and since a nonce never comes back, nobody can remove a live successor's lock
 * by mistake. A winner that dies in its turn is succeeded in the same way.
 * @throws STORE_LOCKED after `timeout` milliseconds
 */
export function createLock(paths: StorePaths, timeout: number = defaultLockTimeout): Lock {
  let queue: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = queue.then(async () => {
      const nonce = await acquire(paths, timeout);
      try {
        return await work();
      } finally {
        await release(paths, nonce);
      }
    });
    queue = result.catch(() => undefined);
    return result;
  };
}

const lockFile = (paths: StorePaths): string => join(paths.locks, 'store');
const breakFile = (paths: StorePaths, nonce: string): string => join(paths.locks, `break-${nonce}`);

async function acquire(paths: StorePaths, timeout: number): Promise<string> {
  const nonce = randomUUID();
  const deadline = performance.now() + timeout;
  for (;;) {
    if (await claim(paths, lockFile(paths), nonce)) return nonce;
    const holder = await readHolder(lockFile(paths));
    if (holder === undefined) continue;
    if (isGone(holder) && (await removeDead(paths, holder, nonce))) continue;
    if (performance.now() > deadline) throw locked(paths, holder, timeout);
    await delay(5 + Math.random() * 20);
  }
}

async function release(paths: StorePaths, nonce: string): Promise<void> {
  // Someone may have removed the file by hand, and another process may hold the lock by now.
  const holder = await readHolder(lockFile(paths));
  if (holder?.nonce === nonce) await rm(lockFile(paths), { force: true });
}

/** Creates `file` saying "this process, this nonce"; false when it exists. */
async function claim(paths: StorePaths, file: string, nonce: string): Promise<boolean> {
  const temporary = temporaryPath(paths);
  await writeFile(temporary, JSON.stringify({ nonce, process: selfIdentity() }), { flag: 'wx' });
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes the lock of a dead holder if nobody else is doing so. True when it is worth trying to acquire at once. */
async function removeDead(paths: StorePaths, dead: Holder, nonce: string): Promise<boolean> {
  const rights = await gainRight(paths, breakFile(paths, dead.nonce), nonce);
  if (!rights) return false;
  // The lock goes before the rights: whoever gains a right afterwards finds nothing left to remove.
  if ((await readHolder(lockFile(paths)))?.nonce === dead.nonce) await rm(lockFile(paths), { force: true });
  for (const right of rights) await rm(right, { force: true });
  return true;
}

/** The files that give this process the right, or undefined while a living one has it. */
async function gainRight(paths: StorePaths, file: string, nonce: string): Promise<string[] | undefined> {
  if (await claim(paths, file, nonce)) return [file];
  const other = await readHolder(file);
  if (!other || !isGone(other)) return undefined;
  const inherited = await gainRight(paths, breakFile(paths, other.nonce), nonce);
  return inherited && [file, ...inherited];
}

const isGone = (holder: Holder): boolean =>
  holder.process !== undefined && stateOf(holder.process) === 'gone';

async function readHolder(file: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && 'nonce' in value && typeof value.nonce === 'string') {
      return {
        nonce: value.nonce.replaceAll(/[^0-9a-f-]/g, ''),
        process: parseIdentity('process' in value ? value.process : undefined),
      };
    }
  } catch {
    // Falls through: someone else's file is a lock all the same, of a holder that we cannot judge.
  }
  return { nonce: '', process: undefined };
}

function locked(paths: StorePaths, holder: Holder, timeout: number): AmlpromoteError {
  const who = holder.process
    ? `process ${String(holder.process.pid)} on ${holder.process.host}`
    : 'another process';
  return new AmlpromoteError(
    'STORE_LOCKED',
    `${paths.root} has been locked by ${who} for more than ${String(Math.round(timeout / 1000))} s`,
    {
      nextSteps: [
        'Wait until the other command has ended and run again.',
        `If no such process exists (another host or container that was stopped), remove ${lockFile(paths)}.`,
      ],
    },
  );
}
