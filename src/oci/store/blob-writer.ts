import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { createHasher } from '../../domain/sha256.ts';
import { createVerifier } from '../verified.ts';
import { temporaryPath } from './files.ts';
import type { StorePaths } from './paths.ts';
import { blobPath } from './paths.ts';

/** Bytes per write and writes in flight: what the measurements of `bench/` favour; memory stays below a few MiB a blob. */
const writeSize = 1024 * 1024;
const maxInFlight = 3;

/** Called with each chunk before it is written; throwing ends the reception. */
export type OnChunk = (chunk: Uint8Array) => void;

/**
 * Writes `source` as the blob that `descriptor` names. Until size and digest are checked and the bytes are on the disk it
 * is a temporary file, so a blob is there completely or not at all.
 * @throws INTEGRITY_MISMATCH with nothing left behind
 */
export async function writeVerifiedBlob(
  paths: StorePaths,
  descriptor: Descriptor,
  source: Readable,
  onBytes: (total: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const verifier = createVerifier(descriptor);
  await writeBlob(paths, source, signal, {
    onChunk: (chunk) => {
      verifier.update(chunk);
      onBytes(verifier.received);
    },
    digest: () => {
      verifier.finish();
      return descriptor.digest;
    },
  });
}

/** Writes bytes whose digest is not known before; returns what they turned out to be. */
export async function writeNewBlob(
  paths: StorePaths,
  mediaType: string,
  source: Readable,
  signal?: AbortSignal,
): Promise<Descriptor> {
  const hasher = createHasher();
  let size = 0;
  const digest = await writeBlob(paths, source, signal, {
    onChunk: (chunk) => {
      hasher.update(chunk);
      size += chunk.byteLength;
    },
    digest: () => hasher.digest(),
  });
  return { mediaType, digest, size };
}

async function writeBlob(
  paths: StorePaths,
  source: Readable,
  signal: AbortSignal | undefined,
  content: { readonly onChunk: OnChunk; readonly digest: () => Digest },
): Promise<Digest> {
  const temporary = temporaryPath(paths);
  // It may fail while the file is being opened, before anyone else listens; `receive` looks for that.
  source.on('error', () => undefined);
  try {
    const handle = await open(temporary, 'wx');
    let digest: Digest;
    try {
      await receive(source, handle, content.onChunk, signal);
      digest = content.digest();
      await handle.datasync();
    } finally {
      await handle.close();
    }
    // The directory is synced when a manifest names the blob: until then a power cut may take it away again.
    await rename(temporary, blobPath(paths, digest));
    return digest;
  } catch (error) {
    source.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * The fastest way from a stream to a file in Node (measured): `data` events, chunks gathered to 1 MiB, positional vector
 * writes with a few in flight, the source paused by hand. Hashing happens inline, on the way.
 */
export function receive(
  source: Readable,
  handle: FileHandle,
  onChunk: OnChunk,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let gathered: Uint8Array[] = [];
    let gatheredBytes = 0;
    let position = 0;
    let inFlight = 0;
    let ended = false;
    let failed: Error | undefined;

    // Settles only when no write is under way: the handle is closed next.
    const settle = (): void => {
      if (inFlight > 0) return;
      if (!failed && !ended) return;
      signal?.removeEventListener('abort', onAbort);
      if (failed) reject(failed);
      else resolve();
    };
    const fail = (cause: unknown): void => {
      failed ??= cause instanceof Error ? cause : new Error(String(cause));
      source.removeListener('data', onData);
      source.destroy();
      settle();
    };
    const onAbort = (): void => fail(signal?.reason);
    const flush = (): void => {
      const chunks = gathered;
      const at = position;
      position += gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
      inFlight += 1;
      if (inFlight >= maxInFlight) source.pause();
      writeAll(handle, chunks, at).then(
        () => {
          inFlight -= 1;
          if (!failed && !ended && inFlight < maxInFlight) source.resume();
          settle();
        },
        (error: unknown) => {
          inFlight -= 1;
          fail(error);
        },
      );
    };
    const onData = (chunk: Uint8Array): void => {
      try {
        onChunk(chunk);
      } catch (error) {
        fail(error);
        return;
      }
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      if (gatheredBytes >= writeSize) flush();
    };

    if (signal?.aborted) {
      fail(signal.reason);
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    source.on('data', onData);
    source.once('error', fail);
    source.once('end', () => {
      ended = true;
      if (gatheredBytes > 0) flush();
      else settle();
    });
    const onClose = (): void => {
      if (!ended && !failed) fail(new Error('the source was closed before its end'));
    };
    source.once('close', onClose);
    if (source.errored) fail(source.errored);
    else if (source.destroyed) onClose();
  });
}

/** `writev` may write less than it was given (a full disk, a signal); the rest follows, or its error does. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], at: number): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const { bytesWritten } = await handle.writev(chunks, at);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  let done = 0;
  while (done < rest.byteLength) {
    done += (await handle.write(rest, done, rest.byteLength - done, at + bytesWritten + done)).bytesWritten;
  }
}
