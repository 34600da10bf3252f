import type { Descriptor } from '../../domain/descriptor.ts';
import type { Release } from '../../domain/release.ts';
import type { Reason } from '../../domain/verdict.ts';
import { isIndexType } from '../../domain/media-types.ts';
import { reasonOf } from '../../evidence/check.ts';
import { maxBundleBytes } from '../../evidence/sigstore-bundle.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { readBlob } from '../../oci/verified.ts';
import type { VerifiableContent } from './content.ts';
import { imageManifests } from './image.ts';
import type { Finding } from './report.ts';

const concurrent = 8;

/**
 * Every manifest that a release lists is there with the listed type and size; configs and evidence are read and hashed; layers
 * are there with the right size (their bytes are hashed by whoever moves or runs them).
 */
export async function checkListing(content: VerifiableContent, release: Release): Promise<Finding<never>> {
  const evidence = release.evidence.map(({ descriptor }) => descriptor);
  const reasons: Reason[] = [];
  const check = async (subject: string, run: () => Promise<readonly Reason[]>): Promise<void> => {
    try {
      reasons.push(...(await run()));
    } catch (error) {
      reasons.push(reasonOf(error, subject, 'DIGEST_MISMATCH'));
    }
  };
  await check(release.image.digest, () => sameAsListed(content, release.image));
  let images: readonly Descriptor[] = [];
  await check(release.image.digest, async () => {
    images = await imageManifests(content, release.image);
    return [];
  });
  const tasks = [
    ...images.map(
      (image) => () => check(image.digest, () => checkImage(content, image, image !== release.image)),
    ),
    ...evidence.map((item) => () => check(item.digest, () => checkEvidence(content, item))),
  ];
  for (let start = 0; start < tasks.length; start += concurrent)
    await Promise.all(tasks.slice(start, start + concurrent).map((task) => task()));
  return { reasons, evidence: [release.image, ...evidence].map(({ digest }) => digest) };
}

const reason = (code: Reason['code'], subject: string, detail: string): Reason => ({
  code,
  verdict: 'refused',
  subject,
  detail,
});

async function sameAsListed(content: VerifiableContent, listed: Descriptor): Promise<readonly Reason[]> {
  const there = await content.manifest(listed.digest);
  if (!there)
    return [reason('LISTED_MISSING', listed.digest, 'the index lists this manifest, but it is not there')];
  const { mediaType, size } = there.descriptor;
  if (mediaType !== listed.mediaType || size !== listed.size)
    return [reason('DIGEST_MISMATCH', listed.digest, 'its media type or size is not the listed one')];
  return [];
}

async function checkImage(
  content: VerifiableContent,
  image: Descriptor,
  isChild: boolean,
): Promise<readonly Reason[]> {
  const different = isChild ? await sameAsListed(content, image) : [];
  const bytes = await content.manifest(image.digest);
  if (different.length > 0 || !bytes) return different;
  const manifest = parseManifest(bytes);
  await readBlob(content, manifest.config, maxBundleBytes);
  const layers = await Promise.all(
    manifest.layers.map(async (layer) => ((await content.hasBlob(layer)) ? undefined : layer)),
  );
  return layers
    .filter((layer) => layer !== undefined)
    .map((layer) =>
      reason('LISTED_MISSING', layer.digest, `a layer of ${image.digest} is not there in its full size`),
    );
}

async function checkEvidence(content: VerifiableContent, item: Descriptor): Promise<readonly Reason[]> {
  const different = await sameAsListed(content, item);
  const bytes = await content.manifest(item.digest);
  if (different.length > 0 || !bytes || isIndexType(item.mediaType)) return different;
  const manifest = parseManifest(bytes);
  for (const blob of [manifest.config, ...manifest.layers]) await readBlob(content, blob, maxBundleBytes);
  return [];
}
