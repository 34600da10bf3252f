import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { createHasher } from '../../domain/sha256.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Store } from '../store/store.ts';
import { gzip } from './gzip.ts';
import type { Spool } from './spool.ts';

/** A compressed layer that exists elsewhere: of an earlier release, say. Its word is not taken: it is decompressed and compared. */
export interface KnownLayer {
  readonly layer: Descriptor;
  readonly content: Pick<ContentReader, 'blob'>;
}

export type LayerLookup = (diffId: Digest) => Promise<KnownLayer | undefined>;

export type LayerOutcome = 'known' | 'fetched' | 'compressed';

export interface LayerWork {
  readonly store: Store;
  readonly repository: string;
  readonly lookup?: LayerLookup | undefined;
  readonly level?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The layer as it is in the store already, if its diffID was seen before. */
export async function findLayer(work: LayerWork, diffId: Digest): Promise<Descriptor | undefined> {
  const known = await work.store.layers.find(diffId);
  if (!known) return undefined;
  return (await work.store.repository(work.repository).hasBlob(known)) ? known : undefined;
}

/** Makes sure that the layer is in the store, with as little work as possible. */
export async function ensureLayer(
  work: LayerWork,
  diffId: Digest,
  tar: Spool,
): Promise<{ readonly layer: Descriptor; readonly outcome: LayerOutcome }> {
  const known = await findLayer(work, diffId);
  if (known) return { layer: known, outcome: 'known' };
  const fetched = await fetchLayer(work, diffId, tar.size);
  if (fetched) return { layer: fetched, outcome: 'fetched' };
  const layer = await work.store.addBlob(
    mediaTypes.ociLayerGzip,
    Readable.from(gzip(tar.open(), work.level), { objectMode: false, highWaterMark: 1024 * 1024 }),
    work.signal,
  );
  await work.store.layers.remember(diffId, layer);
  return { layer, outcome: 'compressed' };
}

/** Undefined when nobody has it, cannot be reached, or has something else: compressing always works. */
async function fetchLayer(work: LayerWork, diffId: Digest, size: number): Promise<Descriptor | undefined> {
  try {
    const found = await work.lookup?.(diffId);
    if (found?.layer.mediaType !== mediaTypes.ociLayerGzip) return undefined;
    const { layer, content } = found;
    const repository = work.store.repository(work.repository);
    if (!(await repository.hasBlob(layer))) {
      await repository.pushBlob(layer, () => content.blob(layer), work.signal ? { signal: work.signal } : {});
    }
    if ((await gunzippedDigest(await repository.blob(layer), size)) !== diffId) return undefined;
    await work.store.layers.remember(diffId, layer);
    return layer;
  } catch (error) {
    work.signal?.throwIfAborted();
    if (error instanceof AmlpromoteError && error.code === 'DISK_FULL') throw error;
    return undefined;
  }
}

/** Undefined when it does not decompress, or to more than `maxBytes` (threat 20). */
export async function gunzippedDigest(compressed: Readable, maxBytes: number): Promise<Digest | undefined> {
  const hasher = createHasher();
  const plain = createGunzip({ chunkSize: 256 * 1024 });
  compressed.once('error', (error) => plain.destroy(error));
  let size = 0;
  try {
    for await (const chunk of compressed.pipe(plain)) {
      const bytes = chunk as Uint8Array;
      size += bytes.byteLength;
      if (size > maxBytes) return undefined;
      hasher.update(bytes);
    }
  } catch {
    return undefined;
  } finally {
    compressed.destroy();
  }
  return hasher.digest();
}
