import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { AmlpromoteError } from '../../domain/errors.ts';
import { ZstdFrames } from './zstd.ts';

/** Measured: 16 KiB, zlib's default, halves the rate; more than 256 KiB gains nothing. */
const chunkSize = 256 * 1024;
/** Lets the thread pool decompress ahead while the main thread hashes and parses. */
const highWaterMark = 1024 * 1024;

/**
 * The tar bytes of a layer. The form is told from the first bytes, as runtimes do, not from the media type, which may lie.
 * gzip with many members and zstd with many frames are read whole. Decompressors differ in what they make of damage and of
 * what stands behind the end; none of it can hide anything, for what comes out must have the diffID that runtimes check too.
 * @throws CONTENT_INVALID for zstd framing; zlib's own errors (`isDecompressionError`); whatever the source throws
 */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    let head: Uint8Array = Buffer.alloc(0);
    while (head.length < 4) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    }
    const whole = withHead(head, chunks);
    if (head[0] === 0x1f && head[1] === 0x8b) {
      yield* through(whole, createGunzip({ chunkSize, readableHighWaterMark: highWaterMark } as object));
    } else if (isZstd(head)) yield* zstdFrames(whole);
    else yield* whole;
  } finally {
    await chunks.return?.(undefined);
  }
}

/** True for "these bytes do not decompress", as opposed to "these bytes could not be read". */
export const isDecompressionError = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^(?:Z_|ZSTD_|ERR_ZLIB)/.test(error.code);

function isZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = Buffer.from(head.buffer, head.byteOffset, 4).readUInt32LE(0);
  return magic === 0xfd2fb528 || magic >>> 4 === 0x184d2a5;
}

async function* withHead(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  // The callback only keeps `pipeline` from throwing: an error reaches the consumer through the transform itself.
  const output: Readable = pipeline(source, transform, () => undefined);
  for await (const chunk of output) yield chunk as Uint8Array;
}

async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames();
  const pieces = source[Symbol.asyncIterator]();
  let rest: Uint8Array = Buffer.alloc(0);
  const next = async (): Promise<ReturnType<ZstdFrames['take']> | undefined> => {
    if (rest.length === 0) {
      const piece = await pieces.next();
      if (piece.done === true) return undefined;
      rest = piece.value;
    }
    const taken = frames.take(rest);
    rest = rest.subarray(taken.taken);
    return taken;
  };
  async function* frameFrom(first: ReturnType<ZstdFrames['take']>): AsyncGenerator<Uint8Array> {
    for (let part: typeof first | undefined = first; part !== undefined; part = await next()) {
      yield* part.feed;
      if (part.ended) return;
    }
  }
  for (let first = await next(); first !== undefined; first = await next()) {
    if (first.feed.length === 0) continue;
    yield* through(
      frameFrom(first),
      createZstdDecompress({ chunkSize, readableHighWaterMark: highWaterMark } as object),
    );
  }
  if (!frames.atBoundary) throw new AmlpromoteError('CONTENT_INVALID', 'zstd stream: ends within a frame');
}
