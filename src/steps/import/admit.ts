import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import type { Progress } from '../../domain/events.ts';
import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { copyContent } from '../../oci/copy.ts';
import type { Repository } from '../../ports/content.ts';
import type { Locks } from '../../ports/importer.ts';
import type { StepContext } from '../../ports/step-context.ts';
import { readTaggedRelease } from '../verify/tagged-release.ts';
import type { AskSigned } from '../verify/tagged-release.ts';
import type { CarriedRelease } from './carried-release.ts';

/**
 * The version tag is immutable, and a release number belongs to one index. Asked before anything is carried into the final
 * repository, before the receipt, and again before tagging.
 * @returns whether both are what they should be already
 * @throws TAG_CONFLICT
 */
export async function checkTags(
  target: Repository,
  release: Release,
  isSigned: AskSigned,
): Promise<'free' | 'done'> {
  const version = await checkVersionTag(target, release);
  const counter = await checkReleaseTag(target, release, isSigned);
  return version === 'done' && counter === 'done' ? 'done' : 'free';
}

async function checkVersionTag(target: Repository, release: Release): Promise<'free' | 'done'> {
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

/** `free`: also what no trusted signer has signed; where that is locked, tagging fails. */
async function checkReleaseTag(
  target: Repository,
  release: Release,
  isSigned: AskSigned,
): Promise<'free' | 'done'> {
  const there = await target.resolve(tags.release(release.release));
  if (!there) return 'free';
  if (there.digest === release.index.digest) return 'done';
  const tagged = await readTaggedRelease(target, release.release, isSigned);
  if (tagged?.kind === 'trusted') throw taken(target, release, 'another release');
  return 'free';
}

const taken = (target: Repository, release: Release, by: string): AmlpromoteError =>
  new AmlpromoteError(
    'TAG_CONFLICT',
    `${target.name}:${tags.release(release.release)} is ${by}: a counter names one index, for ever`,
    {
      nextSteps: [
        'Release again outside: other content gets the next counter.',
        'If outside does not know that the counter is taken, give it a higher one: `release` in the image manifest.',
      ],
    },
  );

/**
 * Mounts everything into the final repository, untagged. The blobs are not moved: the registry has them already. When another
 * import of the same content is faster, what it has locked cannot be written again: then a second look finds it done.
 */
export async function mount(
  from: Repository,
  to: Repository,
  carried: CarriedRelease,
  { progress, signal }: Pick<StepContext, 'progress' | 'signal'>,
): Promise<void> {
  for (const root of [carried.release.index, ...carried.signatures]) {
    const copy = async (): Promise<unknown> =>
      await copyContent({
        from,
        to,
        root,
        mountFrom: from.name,
        onEffect: (effect, subject) => progress({ type: 'effect', step: 'import', effect, subject }),
        signal,
      });
    await copy().catch(async (error: unknown) => {
      if (!isForbidden(error)) throw error;
      await copy();
    });
  }
}

/**
 * Names the image by its version and the index by `release-<n>`.
 * @returns whether there was anything to do
 */
export async function tagRelease(
  to: Repository,
  { release }: CarriedRelease,
  isSigned: AskSigned,
  locks: Locks,
  progress: Progress,
): Promise<boolean> {
  const version = await checkVersionTag(to, release);
  const index = await checkReleaseTag(to, release, isSigned);
  const set = async (digest: Digest, name: string): Promise<void> => {
    await setTag(to, digest, name, release, isSigned, locks);
    progress({ type: 'effect', step: 'import', effect: 'tagged', subject: `${to.name}:${name}` });
  };
  if (version === 'free') await set(release.image.digest, release.version);
  if (index === 'free') await set(release.index.digest, tags.release(release.release));
  return version === 'free' || index === 'free';
}

async function setTag(
  to: Repository,
  digest: Digest,
  tag: string,
  release: Release,
  isSigned: AskSigned,
  locks: Locks,
): Promise<void> {
  const content = await to.manifest(digest);
  if (!content)
    throw new AmlpromoteError('LISTED_CONTENT_MISSING', `${to.name}@${digest} vanished before it was tagged`);
  try {
    await to.pushManifest(content, tag);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    // Another import of the same release was faster, and has locked the tag; or one of another image was.
    if ((await to.resolve(tag))?.digest === digest) return;
    await checkTags(to, release, isSigned);
    // An image that was admitted before, under another version, is locked; the lock is put back with all others.
    await locks.unlockManifest(to.name, digest);
    await to.pushManifest(content, tag).catch(async (cause: unknown) => {
      await locks.lockManifest(to.name, digest);
      // Locked by somebody else, and a locked tag never moves.
      throw isForbidden(cause) && (await to.resolve(tag))
        ? taken(to, release, 'locked, and something else')
        : cause;
    });
  }
}

const isForbidden = (error: unknown): boolean => isInconclusive(error) && error.code === 'FORBIDDEN';

/**
 * Locks image *and* evidence and receipts, then the tags: retention and mistakes delete what is not locked. Tags have no
 * compare-and-swap, so they are looked at once more when nobody can move them any longer.
 * @throws TAG_CONFLICT when another import has moved one in the meantime
 */
export async function lockAll(
  to: Repository,
  carried: CarriedRelease,
  receipts: readonly Descriptor[],
  locks: Locks,
  progress: Progress,
): Promise<void> {
  const { release } = carried;
  const digests = [...carried.manifests, ...carried.signatures, ...receipts].map((item) => item.digest);
  for (const digest of new Set(digests)) {
    await locks.lockManifest(to.name, digest);
    progress({ type: 'effect', step: 'import', effect: 'locked', subject: `${to.name}@${digest}` });
  }
  for (const tag of [release.version, tags.release(release.release)]) {
    await locks.lockTag(to.name, tag);
    progress({ type: 'effect', step: 'import', effect: 'locked', subject: `${to.name}:${tag}` });
  }
  await requireTags(to, release);
}

/** @throws TAG_CONFLICT unless both tags name what they should */
async function requireTags(to: Repository, release: Release): Promise<void> {
  await checkVersionTag(to, release);
  const there = await to.resolve(tags.release(release.release));
  if (there?.digest !== release.index.digest)
    throw taken(to, release, `${there?.digest ?? 'nothing'} by now, moved by somebody else`);
}
