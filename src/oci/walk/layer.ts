import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { createHasher } from '../../domain/sha256.ts';
import type { ContentReader } from '../../ports/content.ts';
import { verifiedStream } from '../verified.ts';
import { decompress, isDecompressionError } from './decompress.ts';
import type { WalkLimits } from './limits.ts';
import type { FileChoice, LayerListing } from './listing.ts';
import { createCollector } from './listing.ts';
import { TarReader } from './tar.ts';

export interface LayerRequest<T> {
  readonly content: Pick<ContentReader, 'blob'>;
  readonly layer: Descriptor;
  readonly diffId: Digest;
  readonly limits: WalkLimits;
  readonly choice: FileChoice<T>;
  /** Called with the total of compressed bytes read so far. */
  readonly onBytes?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads one layer from end to end: digest of the blob, decompression, diffID, archive.
 * @returns a text when the bytes are the layer's but cannot be read as one: it says why
 * @throws INTEGRITY_MISMATCH when the bytes are not the layer's; whatever `content.blob` throws; the signal's reason
 */
export async function walkLayer<T>(request: LayerRequest<T>): Promise<LayerListing<T> | string> {
  try {
    return await readLayer(request);
  } catch (error) {
    const why = unreadableReason(error);
    if (why === undefined) throw error;
    // Damaged bytes often fail to decompress before their digest is known: this tells damage from a strange layer.
    await verifyOnly(request);
    return why;
  }
}

async function readLayer<T>(request: LayerRequest<T>): Promise<LayerListing<T>> {
  const { layer, diffId, limits, signal } = request;
  const collector = createCollector(request.choice, limits);
  const tar = new TarReader(collector.sink);
  const hasher = createHasher();
  let raw = 0;
  for await (const chunk of decompress(counted(request))) {
    signal?.throwIfAborted();
    raw += chunk.byteLength;
    if (raw > limits.maxLayerBytes)
      throw invalid(`expands to more than ${String(limits.maxLayerBytes)} bytes`);
    if (raw > limits.ratioFloorBytes && raw > limits.maxRatio * layer.size) {
      throw invalid(`expands more than ${String(limits.maxRatio)} times`);
    }
    hasher.update(chunk);
    tar.write(chunk);
  }
  tar.end();
  const actual = hasher.digest();
  if (actual !== diffId) throw invalid(`expands to ${actual}, but the image config says ${diffId}`);
  return { diffId, ...collector.listing };
}

async function* counted(request: LayerRequest<unknown>): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of verifiedStream(await request.content.blob(request.layer), request.layer)) {
    const bytes = chunk as Uint8Array;
    done += bytes.byteLength;
    request.onBytes?.(done);
    yield bytes;
  }
}

async function verifyOnly(request: LayerRequest<unknown>): Promise<void> {
  const chunks = counted(request);
  while ((await chunks.next()).done !== true) request.signal?.throwIfAborted();
}

function unreadableReason(error: unknown): string | undefined {
  if (isDecompressionError(error)) return `cannot be decompressed: ${(error as Error).message}`;
  return error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID' ? error.message : undefined;
}

const invalid = (what: string): AmlpromoteError => new AmlpromoteError('CONTENT_INVALID', what);
