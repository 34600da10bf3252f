import { AmlpromoteError } from '../../domain/errors.ts';
import type { Progress } from '../../domain/events.ts';
import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import { copyContent } from '../../oci/copy.ts';
import type { Repository } from '../../ports/content.ts';
import type { Locks } from '../../ports/importer.ts';
import type { CarriedRelease } from './carry.ts';

/**
 * The version tag is immutable: the same image is done, another is a conflict. Asked before anything is carried into the
 * final repository and again before tagging.
 * @throws TAG_CONFLICT
 */
export async function checkVersionTag(target: Repository, release: Release): Promise<'free' | 'done'> {
  const there = await target.resolve(release.version);
  if (!there) return 'free';
  if (there.digest === release.image.digest) return 'done';
  throw new AmlpromoteError(
    'TAG_CONFLICT',
    `${target.name}:${release.version} already names another image (${there.digest}); this release has ${release.image.digest}`,
    {
      nextSteps: [
        'A version is never reused: raise `version` in the image manifest, build and release again.',
      ],
    },
  );
}

/** Mounts everything into the final repository, untagged. The blobs are not moved: the registry has them already. */
export async function mount(
  from: Repository,
  to: Repository,
  carried: CarriedRelease,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  for (const root of [carried.release.index, ...carried.signatures]) {
    await copyContent({
      from,
      to,
      root,
      mountFrom: from.name,
      onEffect: (effect, subject) => progress({ type: 'effect', step: 'import', effect, subject }),
      ...(signal ? { signal } : {}),
    });
  }
}

/**
 * Names the image by its version and the index by `release-<n>`. A newer index of the *same* image (fresh evidence under the
 * same counter) may take the release tag over; another image may not.
 */
export async function tagRelease(
  to: Repository,
  carried: CarriedRelease,
  locks: Locks,
  progress: Progress,
): Promise<void> {
  const { release } = carried;
  const tag = tags.release(release.release);
  const present = await to.resolve(tag);
  if (present && present.digest !== release.index.digest) {
    await refuseOtherImage(to, tag, present.digest, release);
    await locks.unlockTag(to.name, tag);
  }
  if ((await checkVersionTag(to, release)) === 'free')
    await setTag(to, release.image.digest, release.version, progress);
  if (present?.digest !== release.index.digest) await setTag(to, release.index.digest, tag, progress);
}

async function refuseOtherImage(
  to: Repository,
  tag: string,
  digest: Digest,
  release: Release,
): Promise<void> {
  const content = await to.manifest(digest);
  if (content && parseReleaseIndex(content).image.digest === release.image.digest) return;
  throw new AmlpromoteError('TAG_CONFLICT', `${to.name}:${tag} is already the release of another image`, {
    nextSteps: ['Release again: the next counter is free.'],
  });
}

async function setTag(to: Repository, digest: Digest, tag: string, progress: Progress): Promise<void> {
  const content = await to.manifest(digest);
  if (!content)
    throw new AmlpromoteError('LISTED_CONTENT_MISSING', `${to.name}@${digest} vanished before it was tagged`);
  await to.pushManifest(content, tag);
  progress({ type: 'effect', step: 'import', effect: 'tagged', subject: `${to.name}:${tag}` });
}

/** Locks image *and* evidence and receipts, then the tags: retention and mistakes delete what is not locked. */
export async function lockAll(
  to: Repository,
  carried: CarriedRelease,
  receipts: readonly Descriptor[],
  locks: Locks,
  progress: Progress,
): Promise<void> {
  const digests = [...carried.manifests, ...carried.signatures, ...receipts].map((item) => item.digest);
  for (const digest of new Set(digests)) {
    await locks.lockManifest(to.name, digest);
    progress({ type: 'effect', step: 'import', effect: 'locked', subject: `${to.name}@${digest}` });
  }
  for (const tag of [carried.release.version, tags.release(carried.release.release)]) {
    await locks.lockTag(to.name, tag);
    progress({ type: 'effect', step: 'import', effect: 'locked', subject: `${to.name}:${tag}` });
  }
}
