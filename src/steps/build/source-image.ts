import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { ExistingImageSource } from '../../manifest/image.ts';
import { copyContent } from '../../oci/copy.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import { openLayout } from '../../oci/store/layout-reader.ts';
import type { ContentReader, Registry, Repository } from '../../ports/content.ts';
import type { Progress } from '../../domain/events.ts';

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
  const children = parseIndex(content).manifests;
  const found = children.find(
    (child) =>
      child.platform?.os === platform.os &&
      child.platform.architecture === platform.architecture &&
      (platform.variant === undefined || child.platform.variant === platform.variant),
  );
  if (found) {
    const { mediaType, digest, size } = found;
    return { mediaType, digest, size };
  }
  const there = children.flatMap((child) => (child.platform ? formatPlatform(child.platform) : []));
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `${formatSource(source)} has no image for ${formatPlatform(platform)}; it has ${there.join(', ') || 'none'}`,
    { nextSteps: ['Name an image that has that platform.'] },
  );
}
