import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Pack } from 'tar-stream';
import { AmlpromoteError } from '../../domain/errors.ts';
import { createHasher } from '../../domain/sha256.ts';
import type { BuildContext, ContextEntry } from './context.ts';

/**
 * The tar for the engine: in order, owned by root as Docker's own client makes it, no time later than `latest` (seconds
 * since the epoch). What is sent is compared with what was read for the build key: a file that changed meanwhile ends the
 * stream in BUILD_FAILED, so the key never lies.
 */
export const packContext = (context: BuildContext, latest: number | undefined): Readable =>
  Readable.from(tarOf(context, latest), { objectMode: false });

/** Begins when it is read, so that no failure comes before somebody listens. */
async function* tarOf(context: BuildContext, latest: number | undefined): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  let failure: Error | undefined;
  tar.on('error', (error) => (failure ??= error));
  const filled = fill(tar, context, latest).catch((error: unknown) => {
    failure ??= error instanceof Error ? error : new Error(String(error));
    tar.destroy(failure);
  });
  try {
    for await (const chunk of tar) yield chunk as Uint8Array;
  } catch (error) {
    throw failure ?? error;
  } finally {
    tar.destroy();
    await filled;
  }
  if (failure) throw failure;
}

async function fill(tar: Pack, context: BuildContext, latest: number | undefined): Promise<void> {
  for (const { entry, content } of withContent(context)) {
    const header = {
      name: entry.path,
      mode: entry.mode,
      mtime: new Date(Math.min(entry.modified, latest ?? Infinity) * 1000),
      uid: 0,
      gid: 0,
    };
    if (entry.type === 'file') {
      const target = tar.entry({ ...header, type: 'file', size: entry.size });
      // It fails with the archive, whose failure is the one that is reported.
      target.on('error', () => undefined);
      await sendFile(content, entry, target);
    } else if (entry.type === 'symlink') {
      tar.entry({ ...header, type: 'symlink', linkname: entry.target ?? '' });
    } else {
      tar.entry({ ...header, type: 'directory' });
    }
    if (tar.destroyed) return;
  }
  tar.finalize();
}

interface Next {
  readonly entry: ContextEntry;
  readonly content: AsyncIterable<Uint8Array>;
}

const pieceSize = 256 * 1024;
/** So many small files are read before their turn. */
const ahead = 16;

/** The entries in order. Opening a file takes longer than reading a small one, so the next ones are opened meanwhile. */
function* withContent({ directory, entries }: BuildContext): Generator<Next> {
  const queue: Next[] = [];
  for (const entry of entries) {
    queue.push({ entry, content: contentOf(join(directory, entry.path), entry) });
    const next = queue.length > ahead ? queue.shift() : undefined;
    if (next) yield next;
  }
  yield* queue;
}

/** Of a small file the reading begins at once. What goes wrong is told where the bytes are wanted. */
function contentOf(file: string, { type, size }: ContextEntry): AsyncIterable<Uint8Array> {
  if (type !== 'file' || size > pieceSize) return piecesOf(file);
  const bytes = readBeginning(file, size + 1);
  bytes.catch(() => undefined);
  return (async function* () {
    yield await bytes;
  })();
}

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: pieceSize }) as AsyncIterable<Uint8Array>;
}

async function readBeginning(file: string, most: number): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const bytes = Buffer.allocUnsafe(most);
    let size = 0;
    for (let count = -1; count !== 0 && size < most; size += count)
      count = (await handle.read(bytes, size, most - size, size)).bytesRead;
    return bytes.subarray(0, size);
  } finally {
    await handle.close();
  }
}

async function sendFile(
  content: AsyncIterable<Uint8Array>,
  entry: ContextEntry,
  target: ReturnType<Pack['entry']>,
): Promise<void> {
  const hasher = createHasher();
  let size = 0;
  try {
    for await (const bytes of content) {
      hasher.update(bytes);
      size += bytes.byteLength;
      if (size > entry.size) throw changed(entry.path);
      if (!target.write(bytes)) await drained(target);
      if (target.destroyed) return;
    }
  } catch (error) {
    throw error instanceof AmlpromoteError ? error : changed(entry.path, error);
  }
  if (hasher.digest() !== entry.digest) throw changed(entry.path);
  target.end(undefined);
}

/** Or closed, when nobody wants the rest any more. */
const drained = (target: NodeJS.EventEmitter): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      target.off('drain', done);
      target.off('close', done);
      resolve();
    };
    target.on('drain', done);
    target.on('close', done);
  });

const changed = (path: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('BUILD_FAILED', `${path} changed while the build context was being sent`, {
    cause,
    nextSteps: ['Run again when nothing writes to the build context any more.'],
  });
