import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';
import { createHasher, sha256 } from '../../domain/sha256.ts';
import { readSealed, writeSealed } from '../../files/sealed-file.ts';
import type { SealedRecord } from '../../files/sealed-file.ts';
import type { Seal } from '../../ports/seal.ts';

export interface FileContent {
  readonly digest: Digest;
  readonly size: number;
}

/** Digests of the files below one directory; what did not change since this machine read it last is not read again. */
export interface FileDigests {
  /**
   * @param path of the directory's record, below it
   * @param facts of `lstat`
   * @throws system errors, ELOOP when a link is there by now
   */
  digestOf(path: string, facts: BigIntStats, signal?: AbortSignal): Promise<FileContent>;
  /** Files whose content was read, or is being read. */
  readonly read: number;
  /** Of them, so far. */
  readonly bytes: number;
  /** Remembers what was asked for, and nothing else. */
  save(): Promise<void>;
}

export interface FileDigestsOptions {
  /** Of this machine's caches. */
  readonly directory: string;
  readonly seal: Seal;
  /** Milliseconds; for tests. */
  readonly settled?: number;
}

/** Raised whenever the form of a record changes: it is sealed, so what is read has this form. */
const format = 1;

/**
 * A file counts as unchanged while device, inode, size, time of modification and time of change (ctime, which no program sets)
 * are. That holds only for a file that had been left alone for a while when it was read: two changes within one tick of the file
 * system's clock look like one (as with Git's index, "racy-git"), and a program that writes through a mapping changes the time
 * only when it first writes to a page after the kernel has written that one back, every 30 + 5 s by default (vm.dirty_*_centisecs).
 */
const settledAfter = 60_000;

/**
 * File systems of Linux (statfs(2), `f_type`) whose inodes and times of change are their own: ext2 to ext4, XFS, Btrfs, overlayfs,
 * ZFS, F2FS. Those of networks, of FUSE and of tmpfs (a mapping that is written to leaves its times alone) are always read.
 */
const keepsTimes = new Set([0xef53, 0x58465342, 0x9123683e, 0x794c7630, 0x2fc12fc1, 0xf2f52010]);

const keptFor = 30 * 24 * 3600 * 1000;

/** For a machine that may keep nothing. */
export const unremembered = (directory: string): FileDigests => fileDigests(directory, new Map(), undefined);

/** What this machine knows of a directory. Records of others, damaged ones and old ones count as not there. */
export async function openFileDigests(
  directory: string,
  { directory: cache, seal, settled }: FileDigestsOptions,
): Promise<FileDigests> {
  const root = resolve(directory);
  const file = join(cache, `files-${hexOf(sha256(root)).slice(0, 24)}.json`);
  const record: SealedRecord = { purpose: 'file-digests', parts: [String(format), root] };
  const known = decode(await readSealed(file, record, seal));
  return fileDigests(root, known, {
    settled: settled ?? settledAfter,
    async write(body) {
      await writeSealed(file, record, body, seal);
      await removeOld(file);
    },
  });
}

/** By path: what `lstat` said, and the digest. */
type Known = ReadonlyMap<string, readonly [facts: string, digest: Digest]>;

function fileDigests(
  directory: string,
  known: Known,
  keep: { readonly settled: number; readonly write: (body: string) => Promise<void> } | undefined,
): FileDigests {
  const next = new Map<string, readonly [string, Digest]>();
  const devices = new Map<bigint, Promise<boolean>>();
  const isTimed = (file: string, device: bigint): Promise<boolean> => {
    const found = devices.get(device) ?? keepsItsTimes(file);
    devices.set(device, found);
    return found;
  };
  let read = 0;
  let bytes = 0;
  return {
    get read() {
      return read;
    },
    get bytes() {
      return bytes;
    },
    async digestOf(path, facts, signal) {
      const file = join(directory, path);
      const now = keep && (await isTimed(file, facts.dev)) ? formatFacts(facts) : undefined;
      const entry = now === undefined ? undefined : known.get(path);
      if (entry && entry[0] === now) {
        next.set(path, entry);
        return { digest: entry[1], size: Number(facts.size) };
      }
      read += 1;
      const begun = BigInt(Date.now());
      const { after, ...content } = await hashFile(file, Number(facts.size), (count) => {
        signal?.throwIfAborted();
        bytes += count;
      });
      const isSettled = facts.ctimeNs / 1_000_000n + BigInt(keep?.settled ?? 0) < begun;
      if (now !== undefined && isSettled && formatFacts(after) === now) next.set(path, [now, content.digest]);
      return content;
    },
    async save() {
      const isSame =
        next.size === known.size && [...next].every(([path, entry]) => known.get(path) === entry);
      if (keep && !isSame)
        await keep.write(JSON.stringify([...next].map(([path, entry]) => [path, ...entry])));
    },
  };
}

const formatFacts = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(' ');

const keepsItsTimes = (file: string): Promise<boolean> =>
  process.platform === 'linux'
    ? statfs(file).then(
        ({ type }) => keepsTimes.has(type),
        () => false,
      )
    : Promise.resolve(false);

const pieceSize = 1024 * 1024;

async function hashFile(
  file: string,
  expected: number,
  onPiece: (bytes: number) => void,
): Promise<FileContent & { readonly after: BigIntStats }> {
  // What was put in the file's place meanwhile is not followed and not waited for.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hasher = createHasher();
    // Room for one byte more, so that a small file takes two reads.
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, expected + 1));
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, piece.byteLength, size);
      if (bytesRead === 0) break;
      onPiece(bytesRead);
      hasher.update(piece.subarray(0, bytesRead));
      size += bytesRead;
    }
    return { digest: hasher.digest(), size, after: await handle.stat({ bigint: true }) };
  } finally {
    await handle.close();
  }
}

function decode(body: string | undefined): Known {
  if (body === undefined) return new Map();
  const entries = JSON.parse(body) as readonly (readonly [string, string, Digest])[];
  return new Map(entries.map(([path, facts, digest]) => [path, [facts, digest]]));
}

/** Of directories that nobody has built from for a month. */
async function removeOld(file: string): Promise<void> {
  const folder = dirname(file);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/^files-[0-9a-f]{24}\.json$/.test(name)) continue;
    const facts = await stat(join(folder, name)).catch(() => undefined);
    if (facts && Date.now() - facts.mtimeMs > keptFor) await rm(join(folder, name), { force: true });
  }
}
