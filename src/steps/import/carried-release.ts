import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType, mediaTypes } from '../../domain/media-types.ts';
import type { Release, ReleaseDocument } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import { parseIndex } from '../../oci/manifest.ts';
import type { ContentReader, Repository } from '../../ports/content.ts';

/** What a release consists of at a target: the index, all that it lists, and the signatures of the index. */
export interface CarriedRelease {
  readonly release: Release;
  /** Every manifest by digest, the index included; children of a multi-platform image as well. */
  readonly manifests: readonly Descriptor[];
  readonly signatures: readonly Descriptor[];
}

/** @throws NOT_FOUND, INTEGRITY_MISMATCH when the index is not what release.json says, CONTENT_INVALID when it is none */
export async function readRelease(target: ContentReader, document: ReleaseDocument): Promise<Release> {
  const content = await target.manifest(document.index.digest);
  if (!content)
    throw new AmlpromoteError('NOT_FOUND', `the release index ${document.index.digest} is not there`);
  const { size, mediaType } = content.descriptor;
  if (size !== document.index.size || mediaType !== mediaTypes.ociIndex) throw differs(document, 'its bytes');
  const release = parseReleaseIndex(content);
  const differing = (['name', 'version', 'release', 'repository'] as const).find(
    (key) => release[key] !== document[key],
  );
  if (differing) throw differs(document, `its ${differing} (${release[differing]})`);
  return release;
}

const differs = ({ index }: ReleaseDocument, what: string): AmlpromoteError =>
  new AmlpromoteError(
    'INTEGRITY_MISMATCH',
    `the release index ${index.digest} is not as release.json says: ${what}`,
  );

export async function platformsOf(target: ContentReader, image: Descriptor): Promise<readonly Descriptor[]> {
  if (!isIndexType(image.mediaType)) return [];
  const content = await target.manifest(image.digest);
  return content ? parseIndex(content).manifests : [];
}

/**
 * Everything of a release that is at `target`, as descriptors that were resolved there. Of what `release.json` calls signatures
 * only those that came: it is no proof, and may name anything.
 * @throws LISTED_CONTENT_MISSING for the first that is not there
 */
export async function listCarried(
  target: Repository,
  release: Release,
  document: ReleaseDocument,
): Promise<CarriedRelease> {
  const listed = await listedOf(target, release);
  const manifests = await Promise.all(
    listed.map(async ({ digest }) => {
      const descriptor = await target.resolve(digest);
      if (descriptor) return descriptor;
      throw missing(digest, target, document);
    }),
  );
  const signatures = await find(target, document.signatures);
  return { release, manifests: [...manifests, release.index], signatures };
}

/**
 * The same of the final repository. undefined when the index or something that it lists is not there.
 */
export async function listAdmitted(
  target: Repository,
  document: ReleaseDocument,
): Promise<CarriedRelease | undefined> {
  if (!(await target.resolve(document.index.digest))) return undefined;
  const release = await readRelease(target, document);
  const listed = await listedOf(target, release);
  const manifests = await find(
    target,
    listed.map(({ digest }) => digest),
  );
  if (manifests.length < listed.length) return undefined;
  const signatures = await find(target, document.signatures);
  return { release, manifests: [...manifests, release.index], signatures };
}

const find = async (target: Repository, digests: readonly Digest[]): Promise<readonly Descriptor[]> =>
  (await Promise.all(digests.map(async (digest) => await target.resolve(digest)))).filter(
    (found) => found !== undefined,
  );

const listedOf = async (target: Repository, release: Release): Promise<readonly Descriptor[]> => [
  release.image,
  ...(await platformsOf(target, release.image)),
  ...release.evidence.map((item) => item.descriptor),
];

export const missing = (digest: Digest, target: Repository, document: ReleaseDocument): AmlpromoteError =>
  new AmlpromoteError(
    'LISTED_CONTENT_MISSING',
    `${digest} belongs to the release ${document.name} ${document.version} but did not arrive in ${target.name}`,
    {
      nextSteps: [
        'Look whether it was deleted outside (retention of untagged manifests deletes evidence); then release again.',
      ],
    },
  );
