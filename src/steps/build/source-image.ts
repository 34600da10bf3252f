import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { ExistingImageSource } from '../../manifest/image.ts';
import { copyContent } from '../../oci/copy.ts';
import { createLimiter } from '../../oci/copy-limiter.ts';
import { rankPlatform } from '../../oci/choose-platform.ts';
import type { ImageConfig } from '../../oci/image-config.ts';
import { readImageConfig } from '../../oci/image-config.ts';
import { childrenOfIndex } from '../../oci/index-children.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { mayBeListedAs, platformOfConfig } from '../../oci/platform-claim.ts';
import { openLayout } from '../../oci/store/layout-reader.ts';
import type { ContentReader, Registry, Repository } from '../../ports/content.ts';
import type { Progress } from '../../domain/events.ts';

/** Images of an index that are read at a time. */
const concurrent = 4;

/** How registries of other hosts are reached, read only. */
export type Sources = (host: string) => Registry | Promise<Registry>;

export const formatSource = (source: ExistingImageSource): string =>
  source.from === 'layout'
    ? `oci:${source.layout}@${source.digest}`
    : `${source.host}/${source.repository}@${source.digest}`;

/** Brings an existing image into the store: of an index, the manifest of `platform`. */
export async function takeSourceImage(
  source: ExistingImageSource,
  platform: Platform,
  target: Repository,
  ports: { readonly sources?: Sources | undefined; readonly progress: Progress },
  signal?: AbortSignal,
): Promise<{ readonly image: Descriptor; readonly already: boolean }> {
  const known = await target.resolve(source.digest);
  if (known && !isIndexType(known.mediaType)) return { image: known, already: true };
  const reader = await openSource(source, ports.sources);
  const image = await pickPlatform(source, reader, platform);
  if (await target.resolve(image.digest)) return { image, already: true };
  await copyContent({
    from: reader,
    to: target,
    root: image,
    onBytes: (digest, done, total) => ports.progress({ type: 'bytes', step: 'build', digest, done, total }),
    onEffect: (effect, subject) => ports.progress({ type: 'effect', step: 'build', effect, subject }),
    ...(signal ? { signal } : {}),
  });
  return { image, already: false };
}

async function openSource(source: ExistingImageSource, sources: Sources | undefined): Promise<ContentReader> {
  if (source.from === 'layout') return openLayout(source.layout);
  if (sources) return (await sources(source.host)).repository(source.repository);
  throw new AmlpromoteError(
    'UNSUPPORTED',
    `${formatSource(source)}: registries of other hosts are not set up here`,
    {
      nextSteps: [
        'Copy the image into an OCI layout (skopeo copy … oci:DIR:NAME) and name it as oci:DIR@sha256:….',
      ],
    },
  );
}

async function pickPlatform(
  source: ExistingImageSource,
  reader: ContentReader,
  platform: Platform,
): Promise<Descriptor> {
  const content = await reader.manifest(source.digest);
  if (!content) {
    throw new AmlpromoteError('NOT_FOUND', `${formatSource(source)} does not exist, or may not be seen`, {
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
  if (!best) throw noneFor(source, platform, children);
  if (others.length > 0) throw severalFor(source, platform, suitable);
  await checkLabel(reader, best.descriptor);
  const { mediaType, digest, size } = best.descriptor;
  return { mediaType, digest, size };
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

function noneFor(source: ExistingImageSource, platform: Platform, offers: readonly Offer[]): AmlpromoteError {
  const there = [...new Set(offers.map(nameOf))].sort();
  return new AmlpromoteError(
    'CONTENT_INVALID',
    `${formatSource(source)} has no image for ${formatPlatform(platform)}; it has ${there.join(', ') || 'none'}`,
    {
      nextSteps: [
        'Name an image that has that platform;',
        'or, for one that needs newer processors (amd64/v2, v3 …), the image itself by its digest.',
      ],
    },
  );
}

const severalFor = (
  source: ExistingImageSource,
  platform: Platform,
  suitable: readonly Offer[],
): AmlpromoteError =>
  new AmlpromoteError(
    'CONTENT_INVALID',
    `${formatSource(source)} lists several images for ${formatPlatform(platform)}: ${suitable
      .map(({ descriptor }) => descriptor.digest)
      .sort()
      .join(', ')}`,
    { nextSteps: ['Name the one that you want by its digest.'] },
  );
