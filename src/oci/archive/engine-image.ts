import { Readable } from 'node:stream';
import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { sha256 } from '../../domain/sha256.ts';
import { encodeManifest } from '../manifest.ts';
import type { ArchiveContent, EngineArchive } from './archive-content.ts';
import { readArchive } from './archive-content.ts';
import { readEngineConfig } from './image-config.ts';
import { ensureLayer, gunzippedDigest } from './layers.ts';

/**
 * Brings an image from an engine's archive into the store (config and layers; the manifest is returned, for the caller to
 * push when everything else is ready). Layers are not interpreted, only hashed and compressed.
 * @throws INTEGRITY_MISMATCH when the archive does not hold the layers that its configuration lists; CONTENT_INVALID
 */
export async function storeEngineImage(options: EngineArchive): Promise<ManifestContent> {
  const content = await readArchive(options);
  try {
    const entry = content.image();
    const config = readEngineConfig(await content.bytes(entry.config, maxManifestBytes));
    if (config.diffIds.length !== entry.layers.length) {
      throw new AmlpromoteError(
        'INTEGRITY_MISMATCH',
        `the engine's archive has ${String(entry.layers.length)} layers, its configuration ${String(config.diffIds.length)}`,
        {
          nextSteps: ['Run again; if it happens again, remove the image from the engine and build it anew.'],
        },
      );
    }
    const layers: Descriptor[] = [];
    for (const [index, diffId] of config.diffIds.entries()) {
      layers.push(
        content.stored(diffId) ?? (await takeLayer(options, content, entry.layers[index] ?? '', diffId)),
      );
    }
    const bytes = config.bytes(options.created);
    const descriptor = { mediaType: mediaTypes.ociConfig, digest: sha256(bytes), size: bytes.byteLength };
    await options.store
      .repository(options.repository)
      .pushBlob(descriptor, () => Promise.resolve(Readable.from([bytes], { objectMode: false })));
    return encodeManifest({
      mediaType: mediaTypes.ociManifest,
      config: descriptor,
      layers,
      annotations: options.annotations,
    });
  } finally {
    await content.discard();
  }
}

/** A layer that was not recognised on the way: of an engine that did not list it, or that keeps its layers compressed. */
async function takeLayer(
  options: EngineArchive,
  content: ArchiveContent,
  name: string,
  diffId: Digest,
): Promise<Descriptor> {
  const file = content.file(name);
  if (file?.digest === diffId) {
    const { layer, outcome } = await ensureLayer(options, diffId, file);
    options.onLayer?.(diffId, layer, outcome);
    return layer;
  }
  const isGzip = file?.start[0] === 0x1f && file.start[1] === 0x8b;
  if (file && isGzip && (await gunzippedDigest(file.open(), maxExpansion * file.size)) === diffId) {
    const layer = await options.store.addBlob(mediaTypes.ociLayerGzip, file.open(), options.signal);
    await options.store.layers.remember(diffId, layer);
    options.onLayer?.(diffId, layer, 'fetched');
    return layer;
  }
  throw new AmlpromoteError(
    'INTEGRITY_MISMATCH',
    `the engine's archive does not have the layer ${diffId} that its configuration lists`,
    { nextSteps: ['Run again; if it happens again, remove the image from the engine and build it anew.'] },
  );
}

/** Deflate cannot expand by more (1032 : 1). */
const maxExpansion = 1100;
