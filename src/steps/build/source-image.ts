import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import type { Platform } from '../../domain/platform.ts';
import type { ExistingImageSource } from '../../manifest/image.ts';
import { copyContent } from '../../oci/copy.ts';
import { openLayout } from '../../oci/store/layout-reader.ts';
import type { ContentReader, Registry, Repository } from '../../ports/content.ts';
import type { StepContext } from '../../ports/step-context.ts';
import { pickPlatform } from './pick-platform.ts';

/** How registries of other hosts are reached, read only. */
export type Sources = (host: string) => Registry | Promise<Registry>;

/** Judges an image where it is. */
export type RequireSource = (content: ContentReader, image: Descriptor) => Promise<void>;

export const formatSource = (source: ExistingImageSource): string =>
  source.from === 'layout'
    ? `oci:${source.layout}@${source.digest}`
    : `${source.host}/${source.repository}@${source.digest}`;

/** Brings an existing image into the store: of an index, the manifest of `platform`. */
export async function takeSourceImage(
  source: ExistingImageSource,
  platform: Platform,
  target: Repository,
  ports: Pick<StepContext, 'progress' | 'signal'> & {
    readonly sources?: Sources | undefined;
    readonly requireSource?: RequireSource | undefined;
  },
): Promise<{ readonly image: Descriptor; readonly already: boolean }> {
  const known = await target.resolve(source.digest);
  if (known && !isIndexType(known.mediaType)) return { image: known, already: true };
  const reader = await openSource(source, ports.sources);
  const image = await pickPlatform({ name: formatSource(source), digest: source.digest }, reader, platform);
  if (await target.resolve(image.digest)) return { image, already: true };
  await ports.requireSource?.(reader, image);
  await copyContent({
    from: reader,
    to: target,
    root: image,
    onBytes: (digest, done, total) => ports.progress({ type: 'bytes', step: 'build', digest, done, total }),
    onEffect: (effect, subject) => ports.progress({ type: 'effect', step: 'build', effect, subject }),
    signal: ports.signal,
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
