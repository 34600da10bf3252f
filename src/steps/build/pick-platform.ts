import type { Descriptor } from '../../domain/descriptor.ts';
import { identityOf } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import { rankPlatform } from '../../oci/choose-platform.ts';
import { createLimiter } from '../../oci/copy-limiter.ts';
import type { ImageConfig } from '../../oci/image-config.ts';
import { readImageConfig } from '../../oci/image-config.ts';
import { childrenOfIndex } from '../../oci/index-children.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { mayBeListedAs, platformOfConfig } from '../../oci/platform-claim.ts';
import type { ContentReader } from '../../ports/content.ts';

/** Images of an index that are read at a time. */
const concurrent = 4;

/**
 * The manifest to take over: `digest` itself, or of an index the image for `platform`, chosen as container runtimes choose
 * (`rankPlatform`).
 * @param name of the source, for messages
 * @throws NOT_FOUND; CONTENT_INVALID when there is none, or not exactly one, or it is not what it is listed as
 */
export async function pickPlatform(
  { name, digest }: { readonly name: string; readonly digest: Digest },
  reader: ContentReader,
  platform: Platform,
): Promise<Descriptor> {
  const content = await reader.manifest(digest);
  if (!content) {
    throw new AmlpromoteError('NOT_FOUND', `${name} does not exist, or may not be seen`, {
      nextSteps: ['Check source.image in the image manifest: host, repository and digest.'],
    });
  }
  if (!isIndexType(content.descriptor.mediaType)) {
    parseManifest(content);
    return content.descriptor;
  }
  const children = await offersOf(reader, childrenOfIndex(content));
  const suitable = bestOf(children, platform);
  const [best, ...others] = suitable;
  if (!best) throw noneFor(name, platform, children);
  if (others.length > 0) throw severalFor(name, platform, suitable);
  await checkLabel(reader, best.descriptor);
  return identityOf(best.descriptor);
}

interface Offer {
  readonly descriptor: Descriptor;
  /** As labelled; without a label, as its config says. Undefined where neither says anything. */
  readonly platform: Platform | undefined;
}

/** Like container runtimes: the label, and the config of an image that has none. Each digest once per label. */
async function offersOf(reader: ContentReader, children: readonly Descriptor[]): Promise<readonly Offer[]> {
  const limit = createLimiter(concurrent);
  const offers = await Promise.all(
    children.map((descriptor) =>
      limit(descriptor.size, async () => ({
        descriptor,
        platform: descriptor.platform ?? platformOfConfig(await configOf(reader, descriptor)),
      })),
    ),
  );
  const different = new Map(offers.map((offer) => [`${offer.descriptor.digest} ${nameOf(offer)}`, offer]));
  return [...different.values()];
}

const nameOf = ({ platform }: Offer): string => (platform ? formatPlatform(platform) : 'no platform');

/** Which one does not depend on the order in which an index lists them, which says nothing. */
function bestOf(offers: readonly Offer[], platform: Platform): readonly Offer[] {
  const ranked = offers.flatMap((offer) => {
    const rank = offer.platform && rankPlatform(platform, offer.platform);
    return rank === undefined ? [] : [{ offer, rank }];
  });
  const best = Math.min(...ranked.map(({ rank }) => rank));
  return ranked.filter(({ rank }) => rank === best).map(({ offer }) => offer);
}

/** Threat 10: what is chosen by a label must be what the label says. */
async function checkLabel(reader: ContentReader, descriptor: Descriptor): Promise<void> {
  const { digest, platform: label } = descriptor;
  if (!label) return;
  const config = await configOf(reader, descriptor);
  if (mayBeListedAs(label, config)) return;
  const said = [config.os, config.architecture, config.variant].filter((part) => part !== undefined);
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `image ${digest} is listed as ${formatPlatform(label)} but is ${said.join('/')}`,
    { nextSteps: ['Ask whoever made the index; or name the image itself by its digest.'] },
  );
}

async function configOf(reader: ContentReader, { digest }: Descriptor): Promise<ImageConfig> {
  const content = await reader.manifest(digest);
  if (content) return readImageConfig(reader, parseManifest(content).config, `config of ${digest}`);
  throw new AmlpromoteError(
    'LISTED_CONTENT_MISSING',
    `the index lists the image ${digest}, but it is not there`,
    {
      nextSteps: ['Copy the image again, whole; or name another one.'],
    },
  );
}

function noneFor(name: string, platform: Platform, offers: readonly Offer[]): AmlpromoteError {
  const there = [...new Set(offers.map(nameOf))].sort();
  return new AmlpromoteError(
    'CONTENT_INVALID',
    `${name} has no image for ${formatPlatform(platform)}; it has ${there.join(', ') || 'none'}`,
    {
      nextSteps: [
        'Name an image that has that platform;',
        'or, for one that needs newer processors (amd64/v2, v3 …), the image itself by its digest.',
      ],
    },
  );
}

const severalFor = (name: string, platform: Platform, suitable: readonly Offer[]): AmlpromoteError =>
  new AmlpromoteError(
    'CONTENT_INVALID',
    `${name} lists several images for ${formatPlatform(platform)}: ${suitable
      .map(({ descriptor }) => descriptor.digest)
      .sort()
      .join(', ')}`,
    { nextSteps: ['Name the one that you want by its digest.'] },
  );
