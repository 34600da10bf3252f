import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import type { Progress } from '../../domain/events.ts';
import { isIndexType, mediaTypes } from '../../domain/media-types.ts';
import type { Release, ReleaseDocument } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import { parseIndex } from '../../oci/manifest.ts';
import type { ContentReader, Repository } from '../../ports/content.ts';
import type { Importer } from '../../ports/importer.ts';

/** What a release consists of at a target: the index, all that it lists, and the signatures of the index. */
export interface CarriedRelease {
  readonly release: Release;
  /** Every manifest by digest, the index included; children of a multi-platform image as well. */
  readonly manifests: readonly Descriptor[];
  readonly signatures: readonly Descriptor[];
}

export interface CarryOptions {
  readonly document: ReleaseDocument;
  readonly importer: Importer;
  /** The quarantine repository. */
  readonly target: Repository;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Brings a release into quarantine. The index goes first, for it brings its children where the route does that; whatever of
 * the list is then missing is fetched digest by digest (a server-side import may leave children behind that are not images).
 * What is there already is not carried again.
 * @throws LISTED_CONTENT_MISSING when the source does not have something that the signed list names; and what the route throws
 */
export async function carry(options: CarryOptions): Promise<{ carried: CarriedRelease; transfers: number }> {
  const { document, target } = options;
  const index: Descriptor = {
    mediaType: mediaTypes.ociIndex,
    digest: document.index.digest,
    size: document.index.size,
  };
  let transfers = 0;
  const ensure = async (content: Descriptor): Promise<void> => {
    if (await target.resolve(content.digest)) return;
    await fetchOne(content, options);
    transfers += 1;
  };
  await ensure(index);
  const release = await readRelease(target, document);
  for (const { descriptor } of [{ descriptor: release.image }, ...release.evidence]) await ensure(descriptor);
  for (const child of await platformsOf(target, release.image)) await ensure(child);
  for (const digest of document.signatures)
    await ensure({ mediaType: mediaTypes.ociManifest, digest, size: 0 });
  return { carried: await listCarried(target, document), transfers };
}

async function fetchOne(content: Descriptor, options: CarryOptions): Promise<void> {
  const { document, importer, target, progress, signal } = options;
  const subject = `${target.name}@${content.digest}`;
  // This is the part that takes its time, and a server-side import shows no bytes.
  progress({
    type: 'note',
    step: 'import',
    message: `carrying ${content.digest} by ${importer.route} into ${target.name}`,
  });
  await importer
    .carry({
      sourceRepository: document.repository,
      targetRepository: target.name,
      content,
      progress,
      ...(signal ? { signal } : {}),
    })
    .catch(async (cause: unknown) => {
      // A repeated request may find its own first attempt done ("already exists"): what counts is what is there.
      if (await isThere(target, content.digest)) return;
      throw cause;
    });
  progress({ type: 'effect', step: 'import', effect: 'carried', subject });
  if (await target.resolve(content.digest)) return;
  throw missing(content.digest, target, document);
}

async function isThere(target: Repository, digest: Digest): Promise<boolean> {
  try {
    return (await target.resolve(digest)) !== undefined;
  } catch (error) {
    if (isInconclusive(error)) return false;
    throw error;
  }
}

async function readRelease(target: ContentReader, document: ReleaseDocument): Promise<Release> {
  const content = await target.manifest(document.index.digest);
  if (!content)
    throw new AmlpromoteError('NOT_FOUND', `the release index ${document.index.digest} is not there`);
  if (
    content.descriptor.size !== document.index.size ||
    content.descriptor.mediaType !== mediaTypes.ociIndex
  ) {
    throw new AmlpromoteError(
      'INTEGRITY_MISMATCH',
      `the release index ${document.index.digest} is not as release.json says`,
    );
  }
  return parseReleaseIndex(content);
}

async function platformsOf(target: ContentReader, image: Descriptor): Promise<readonly Descriptor[]> {
  if (!isIndexType(image.mediaType)) return [];
  const content = await target.manifest(image.digest);
  return content ? parseIndex(content).manifests : [];
}

/**
 * Everything of a release that is at `target`, as descriptors that were resolved there.
 * @throws LISTED_CONTENT_MISSING for the first that is not there
 */
async function listCarried(target: Repository, document: ReleaseDocument): Promise<CarriedRelease> {
  const release = await readRelease(target, document);
  const resolve = async (digest: Digest): Promise<Descriptor> => {
    const descriptor = await target.resolve(digest);
    if (descriptor) return descriptor;
    throw missing(digest, target, document);
  };
  const listed = await listedOf(target, release);
  const manifests = await Promise.all(listed.map(async ({ digest }) => await resolve(digest)));
  const signatures = await Promise.all(document.signatures.map(resolve));
  return { release, manifests: [...manifests, release.index], signatures };
}

/**
 * The same of the final repository, where not every signature that `release.json` names need be. undefined when the index or
 * something that it lists is not there.
 */
export async function listAdmitted(
  target: Repository,
  document: ReleaseDocument,
): Promise<CarriedRelease | undefined> {
  if (!(await target.resolve(document.index.digest))) return undefined;
  const release = await readRelease(target, document);
  const find = async (digests: readonly Digest[]): Promise<readonly Descriptor[]> =>
    (await Promise.all(digests.map(async (digest) => await target.resolve(digest)))).filter(
      (found) => found !== undefined,
    );
  const listed = await listedOf(target, release);
  const manifests = await find(listed.map(({ digest }) => digest));
  if (manifests.length < listed.length) return undefined;
  const signatures = await find(document.signatures);
  return { release, manifests: [...manifests, release.index], signatures };
}

const listedOf = async (target: Repository, release: Release): Promise<readonly Descriptor[]> => [
  release.image,
  ...(await platformsOf(target, release.image)),
  ...release.evidence.map((item) => item.descriptor),
];

const missing = (digest: Digest, target: Repository, document: ReleaseDocument): AmlpromoteError =>
  new AmlpromoteError(
    'LISTED_CONTENT_MISSING',
    `${digest} belongs to the release ${document.name} ${document.version} but did not arrive in ${target.name}`,
    {
      nextSteps: [
        'Look whether it was deleted outside (retention of untagged manifests deletes evidence); then release again.',
      ],
    },
  );
