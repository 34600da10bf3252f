import type { Descriptor, ImageManifest } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import { malformed } from '../../evidence/check.ts';
import { isBuildAttestation } from '../../oci/build-attestation.ts';
import { createLimiter } from '../../oci/copy-limiter.ts';
import type { ImageConfig } from '../../oci/image-config.ts';
import { readImageConfig } from '../../oci/image-config.ts';
import { childrenOfIndex } from '../../oci/index-children.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { mayBeListedAs, platformOfConfig } from '../../oci/platform-claim.ts';
import type { ImageFacts } from '../../policy/image.ts';
import type { ContentReader } from '../../ports/content.ts';

/** One manifest of an image that a machine can run. */
export interface PlatformImage {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly facts: Pick<ImageFacts, 'platform' | 'sizeBytes' | 'user' | 'diffIds'>;
}

/** Children of an index that are read at a time. */
const concurrent = 4;

/**
 * The manifests of an image: itself, or all that an index lists, whatever it is.
 * @throws LISTED_CONTENT_MISSING, CONTENT_INVALID
 */
export async function imageManifests(
  content: ContentReader,
  image: Descriptor,
): Promise<readonly Descriptor[]> {
  if (!isIndexType(image.mediaType)) return [image];
  const index = await content.manifest(image.digest);
  if (!index) throw absent(image);
  return childrenOfIndex(index);
}

/**
 * Every platform of an image with what its (digest-checked) config says. What an index lists is judged by its content, not by
 * its label, its artifactType or its annotations, which whoever made the index chose: only what documents the build, and
 * holds nothing that could be unpacked and run, is left out.
 * @throws CONTENT_INVALID when an index lists an index, no image, or an image whose config contradicts its label (threat 10)
 */
export async function readPlatforms(
  content: ContentReader,
  image: Descriptor,
): Promise<readonly PlatformImage[]> {
  const limit = createLimiter(concurrent);
  const children = await imageManifests(content, image);
  const read = await Promise.all(
    children.map((child) => limit(child.size, () => readChild(content, child, child !== image))),
  );
  const platforms = read.filter((one) => one !== undefined);
  if (platforms.length === 0) malformed(`image ${image.digest}`, 'lists no platform');
  return platforms;
}

async function readChild(
  content: ContentReader,
  descriptor: Descriptor,
  isListed: boolean,
): Promise<PlatformImage | undefined> {
  const bytes = await content.manifest(descriptor.digest);
  if (!bytes) throw absent(descriptor);
  const manifest = parseManifest(bytes);
  if (isListed && isOfNoMachine(descriptor.platform) && (await isBuildAttestation(content, manifest)))
    return undefined;
  const config = await readImageConfig(content, manifest.config, `config of ${descriptor.digest}`);
  return {
    descriptor,
    manifest,
    facts: {
      platform: formatPlatform(platformOf(descriptor, config)),
      sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
      ...(config.user === undefined ? {} : { user: config.user }),
      // Not one a layer: no runtime unpacks such an image, and nothing is proven by it.
      ...(config.diffIds.length === manifest.layers.length ? { diffIds: config.diffIds } : {}),
    },
  };
}

/** An attestation that is listed as something to run is not what it says. */
const isOfNoMachine = (label: Platform | undefined): boolean =>
  label === undefined || (label.os === 'unknown' && label.architecture === 'unknown');

/** What the config says; a variant that only the label has is a narrower promise, and kept. */
function platformOf({ digest, platform: label }: Descriptor, config: ImageConfig): Platform {
  const said = platformOfConfig(config);
  if (!said) return malformed(`config of ${digest}`, 'not an image config: it names no os and architecture');
  if (label && !mayBeListedAs(label, config))
    return malformed(
      `image ${digest}`,
      `is listed as ${formatPlatform(label)} but is ${formatPlatform(said)}`,
    );
  return said.variant === undefined && label?.variant !== undefined
    ? { ...said, variant: label.variant }
    : said;
}

const absent = ({ digest }: Descriptor): AmlpromoteError =>
  new AmlpromoteError('LISTED_CONTENT_MISSING', `image manifest ${digest} is not there`);
