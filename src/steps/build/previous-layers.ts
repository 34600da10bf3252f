import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { isRefusal } from '../../domain/errors.ts';
import { annotations, isImageManifestType } from '../../domain/media-types.ts';
import { releaseCounterOf, tags } from '../../domain/names.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { KnownLayer, LayerLookup } from '../../oci/archive/layers.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import { readBlob } from '../../oci/verified.ts';
import type { ContentReader, Repository } from '../../ports/content.ts';

const maxConfigBytes = 4 * 1024 * 1024;

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
  const bytes = await readBlob(content, config, maxConfigBytes);
  const body = parseStrictJson(bytes, { where: `configuration ${config.digest}` });
  const diffIds = diffIdsOf(body);
  return new Map(
    layers.flatMap((layer, at): [Digest, KnownLayer][] => {
      const diffId = diffIds[at];
      return typeof diffId === 'string' && isDigest(diffId) ? [[diffId, { layer, content }]] : [];
    }),
  );
}

function diffIdsOf(config: unknown): readonly unknown[] {
  if (typeof config !== 'object' || config === null || !('rootfs' in config)) return [];
  const { rootfs } = config;
  if (typeof rootfs !== 'object' || rootfs === null || !('diff_ids' in rootfs)) return [];
  return Array.isArray(rootfs.diff_ids) ? rootfs.diff_ids : [];
}
