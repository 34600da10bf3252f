import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { annotations, isImageManifestType, isIndexType, mediaTypes } from '../domain/media-types.ts';
import { isEnvironmentName, isImageRepository, isVersion } from '../domain/names.ts';
import { releaseRoles } from '../domain/release.ts';
import type { Release, ReleaseRole } from '../domain/release.ts';
import { encodeManifest, parseIndex } from '../oci/manifest.ts';

/**
 * The release index is a *plain* OCI image index: no artifactType on it nor on its descriptors, annotations only, because
 * some copiers refuse anything else. Its bytes are a function of what it lists, so the same parts give the same digest.
 */
export function encodeReleaseIndex(release: Omit<Release, 'index'>): ManifestContent {
  const evidence = [...release.evidence].sort(
    (a, b) =>
      releaseRoles.indexOf(a.role) - releaseRoles.indexOf(b.role) ||
      (a.descriptor.digest < b.descriptor.digest ? -1 : 1),
  );
  return encodeManifest({
    mediaType: mediaTypes.ociIndex,
    manifests: [
      listed(release.image, 'image'),
      ...evidence.map(({ descriptor, role }) => listed(descriptor, role)),
    ],
    annotations: {
      [annotations.name]: release.name,
      [annotations.version]: release.version,
      [annotations.release]: String(release.release),
      [annotations.repository]: release.repository,
    },
  });
}

const listed = ({ mediaType, digest, size, platform }: Descriptor, role: ReleaseRole): Descriptor => ({
  mediaType,
  digest,
  size,
  ...(platform ? { platform } : {}),
  annotations: { [annotations.role]: role },
});

/**
 * Reads what an index says of itself; whether it may be believed is for `verify` to say.
 * @throws CONTENT_INVALID when it is not a release index.
 */
export function parseReleaseIndex(content: ManifestContent): Release {
  const where = `release index ${content.descriptor.digest}`;
  const index = parseIndex(content);
  const annotation = (key: string, valid: (text: string) => boolean): string => {
    const value = index.annotations?.[key];
    if (value !== undefined && valid(value)) return value;
    throw notARelease(where, `annotation ${key} is missing or malformed`);
  };
  if (index.subject) throw notARelease(where, 'it has a subject');
  const parts = index.manifests.map((descriptor) => ({ role: roleOf(descriptor, where), descriptor }));
  const [image, ...moreImages] = parts.filter((part) => part.role === 'image');
  if (!image || moreImages.length > 0) throw notARelease(where, 'it must list exactly one image');
  const seen = new Set(parts.map((part) => part.descriptor.digest));
  if (seen.size !== parts.length) throw notARelease(where, 'it lists a digest twice');
  return {
    index: content.descriptor,
    name: annotation(annotations.name, isEnvironmentName),
    version: annotation(annotations.version, isVersion),
    release: Number(annotation(annotations.release, (text) => /^[1-9]\d{0,8}$/.test(text))),
    repository: annotation(annotations.repository, isImageRepository),
    image: image.descriptor,
    evidence: parts.filter((part): part is Release['evidence'][number] => part.role !== 'image'),
  };
}

function roleOf(descriptor: Descriptor, where: string): ReleaseRole {
  const role = releaseRoles.find((name) => name === descriptor.annotations?.[annotations.role]);
  if (!role) throw notARelease(where, `${descriptor.digest} has no known ${annotations.role}`);
  const fits =
    isImageManifestType(descriptor.mediaType) || (role === 'image' && isIndexType(descriptor.mediaType));
  if (!fits) throw notARelease(where, `${descriptor.digest} (${role}) is not a manifest`);
  return role;
}

const notARelease = (where: string, why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`, {
    nextSteps: ['Give the index that `amlpromote release` made (its digest stands in release.json).'],
  });
