import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import { createHasher } from '../../domain/sha256.ts';
import { receive } from '../store/blob-writer.ts';

/** Entries up to this many bytes stay in memory; larger ones go to a temporary file. */
const inMemory = 256 * 1024;
const readSize = 1024 * 1024;

/** One file of an archive, kept until it is known what it is. May be read more than once. */
export interface Spool {
  readonly digest: Digest;
  readonly size: number;
  /** Up to `size` first bytes, at least 4 where there are as many. */
  readonly start: Uint8Array;
  open(): Readable;
  discard(): Promise<void>;
}

/** Takes a file of `size` bytes off an archive. */
export async function spool(
  source: Readable,
  size: number,
  temporaryPath: () => string,
  signal?: AbortSignal,
): Promise<Spool> {
  const hasher = createHasher();
  if (size <= inMemory) {
    const bytes = await buffer(source);
    hasher.update(bytes);
    return {
      digest: hasher.digest(),
      size,
      start: bytes,
      open: () => Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false }),
      discard: () => Promise.resolve(),
    };
  }
  const file = temporaryPath();
  let start: Uint8Array | undefined;
  try {
    const handle = await open(file, 'wx');
    try {
      await receive(
        source,
        handle,
        (chunk) => {
          start ??= Uint8Array.from(chunk.subarray(0, 16));
          hasher.update(chunk);
        },
        signal,
      );
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return {
    digest: hasher.digest(),
    size,
    start: start ?? new Uint8Array(),
    open: () => createReadStream(file, { highWaterMark: readSize }),
    discard: () => rm(file, { force: true }),
  };
}
