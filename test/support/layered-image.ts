import type { Descriptor } from '../../src/domain/descriptor.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { canonicalBytes } from '../../src/json/canonical.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { MemoryRegistry } from './memory-registry.ts';
import type { TestLayer } from './tar-archive.ts';

/** Puts an image of these layers, base first; returns its manifest's descriptor. */
export function putLayeredImage(
  registry: MemoryRegistry,
  repository: string,
  layers: readonly TestLayer[],
): Descriptor {
  for (const layer of layers) registry.putBlob(repository, layer.blob);
  const config = registry.putBlob(
    repository,
    canonicalBytes({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
    mediaTypes.ociConfig,
  );
  return registry.putManifest(
    repository,
    encodeManifest({
      mediaType: mediaTypes.ociManifest,
      config,
      layers: layers.map(({ descriptor }) => descriptor),
    }),
  );
}
