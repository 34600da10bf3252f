import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { isRefusal } from '../../domain/errors.ts';
import { annotations, isImageManifestType } from '../../domain/media-types.ts';
import { releaseCounterOf, tags } from '../../domain/names.ts';
import type { KnownLayer, LayerLookup } from '../../oci/archive/layers.ts';
import { readImageConfig } from '../../oci/image-config.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import type { ContentReader, Repository } from '../../ports/content.ts';

/**
 * Finds layers of the last release by diffID, so that they are fetched rather than compressed. Asks the registry when the
 * first layer is looked for; a registry that cannot be asked has none.
 */
export function previousLayers(published: Repository): LayerLookup {
  let layers: Promise<ReadonlyMap<Digest, KnownLayer>> | undefined;
  return async (diffId) => {
    layers ??= readLastRelease(published).catch((error: unknown) => {
      if (isRefusal(error)) return new Map();
      throw error;
    });
    return (await layers).get(diffId);
  };
}

async function readLastRelease(repository: Repository): Promise<ReadonlyMap<Digest, KnownLayer>> {
  const counters = (await repository.tags()).flatMap((tag) => releaseCounterOf(tag) ?? []);
  if (counters.length === 0) return new Map();
  const index = await repository.manifest(tags.release(Math.max(...counters)));
  if (!index) return new Map();
  const image = parseIndex(index).manifests.find(
    (child) => child.annotations?.[annotations.role] === 'image' && isImageManifestType(child.mediaType),
  );
  return image ? layersOf(repository, image.digest) : new Map();
}

async function layersOf(content: ContentReader, image: Digest): Promise<ReadonlyMap<Digest, KnownLayer>> {
  const found = await content.manifest(image);
  if (!found) return new Map();
  const { config, layers } = parseManifest(found);
  const { diffIds } = await readImageConfig(content, config);
  return new Map(
    layers.flatMap((layer, at): [Digest, KnownLayer][] => {
      const diffId = diffIds[at];
      return diffId !== undefined && isDigest(diffId) ? [[diffId, { layer, content }]] : [];
    }),
  );
}
