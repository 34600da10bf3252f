import * as z from 'zod';
import type { Descriptor, ImageManifest } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { Platform } from '../../domain/platform.ts';
import { malformed } from '../../evidence/check.ts';
import { parseStrictJson, refuseCaseFolded } from '../../json/strict.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import { readBlob } from '../../oci/verified.ts';
import type { ImageFacts } from '../../policy/image.ts';
import type { ContentReader } from '../../ports/content.ts';

/** One manifest of an image that a machine can run. */
export interface PlatformImage {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly facts: Pick<ImageFacts, 'platform' | 'sizeBytes' | 'user' | 'diffIds'>;
}

/** Image configs of this size are refused. */
const maxConfigBytes = 8 * 1024 * 1024;

/** The manifests of an image: itself, or the children of an index. @throws LISTED_CONTENT_MISSING, CONTENT_INVALID */
export async function imageManifests(
  content: ContentReader,
  image: Descriptor,
): Promise<readonly Descriptor[]> {
  if (!isIndexType(image.mediaType)) return [image];
  const index = await content.manifest(image.digest);
  if (!index) throw absent(image);
  return parseIndex(index).manifests;
}

/** Build tools list attestations of their own under this platform, which no machine has: nothing of them can run. */
const isRunnable = ({ platform }: Descriptor): boolean =>
  !(platform?.os === 'unknown' && platform.architecture === 'unknown');

/**
 * Every platform of an image with what its (digest-checked) config says.
 * @throws CONTENT_INVALID when an index lists an index, no platform, or a platform that the config contradicts (threat 10)
 */
export async function readPlatforms(
  content: ContentReader,
  image: Descriptor,
): Promise<readonly PlatformImage[]> {
  const runnable = (await imageManifests(content, image)).filter(isRunnable);
  if (runnable.length === 0) malformed(`image ${image.digest}`, 'lists no platform');
  return Promise.all(runnable.map((descriptor) => readPlatform(content, descriptor)));
}

async function readPlatform(content: ContentReader, descriptor: Descriptor): Promise<PlatformImage> {
  const bytes = await content.manifest(descriptor.digest);
  if (!bytes) throw absent(descriptor);
  const manifest = parseManifest(bytes);
  const { platform, user, diffIds } = parseConfig(
    await readBlob(content, manifest.config, maxConfigBytes),
    `config of ${descriptor.digest}`,
  );
  const claimed = descriptor.platform;
  if (claimed && (claimed.os !== platform.os || claimed.architecture !== platform.architecture))
    malformed(
      `image ${descriptor.digest}`,
      `is listed as ${formatPlatform(claimed)} but is ${formatPlatform(platform)}`,
    );
  return {
    descriptor,
    manifest,
    facts: {
      platform: formatPlatform(platform),
      sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
      ...(user === undefined ? {} : { user }),
      // Not one a layer: no runtime unpacks such an image, and nothing is proven by it.
      ...(diffIds?.length === manifest.layers.length ? { diffIds } : {}),
    },
  };
}

const configSchema = z.looseObject({
  os: z.string().min(1),
  architecture: z.string().min(1),
  variant: z.string().optional(),
  config: z.looseObject({ User: z.string().optional() }).nullish(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()).nullish() }).nullish(),
});

/** Image config (image-spec config.md): what decides who runs it and where. Misspelt twins of a key are refused: Go reads them. */
function parseConfig(
  bytes: Uint8Array,
  where: string,
): {
  readonly platform: Platform;
  readonly user: string | undefined;
  readonly diffIds: readonly string[] | undefined;
} {
  const parsed = configSchema.safeParse(parseStrictJson(bytes, { where, maxBytes: maxConfigBytes }));
  if (!parsed.success) return malformed(where, 'not an image config');
  const { os, architecture, variant, config, rootfs } = parsed.data;
  refuseCaseFolded(parsed.data, ['os', 'architecture', 'variant', 'config', 'rootfs'], where);
  refuseCaseFolded(config ?? {}, ['User'], where);
  refuseCaseFolded(rootfs ?? {}, ['diff_ids'], where);
  return {
    platform: { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) },
    user: config?.User,
    diffIds: rootfs?.diff_ids ?? undefined,
  };
}

const absent = ({ digest }: Descriptor): AmlpromoteError =>
  new AmlpromoteError('LISTED_CONTENT_MISSING', `image manifest ${digest} is not there`);
