import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { ContentReader } from '../../ports/content.ts';
import { findSignatures } from './signatures.ts';

/** What a `release-<n>` tag is worth. Anybody who may push can set one, to anything. */
export type TaggedRelease =
  /** A release of this counter and repository that a trusted signer has signed. */
  | { readonly kind: 'trusted'; readonly release: Release }
  /** The tag is taken, but by nothing that counts. */
  | { readonly kind: 'junk'; readonly digest: Digest | undefined };

/** Whether a signer that the policy trusts has signed an index. @throws INCONCLUSIVE when that cannot be told */
export type AskSigned = (index: Descriptor, release?: Release) => Promise<boolean>;

/**
 * Reads and judges the tag of one counter; undefined when it is free.
 * @throws INCONCLUSIVE when its signatures cannot be judged; what the reader throws
 */
export async function readTaggedRelease(
  repository: ContentReader & { readonly name: string },
  counter: number,
  isSigned: AskSigned,
): Promise<TaggedRelease | undefined> {
  const read = await readIndex(repository, counter);
  if (read === undefined || !('index' in read)) return read;
  const isThis = read.release === counter && read.repository === repository.name;
  return isThis && (await isSigned(read.index, read))
    ? { kind: 'trusted', release: read }
    : { kind: 'junk', digest: read.index.digest };
}

/** What the tag of one counter names, whoever set it: nothing of it is judged. Undefined when it is free. */
export async function readIndex(
  repository: ContentReader,
  counter: number,
): Promise<Release | (TaggedRelease & { readonly kind: 'junk' }) | undefined> {
  let digest: Digest | undefined;
  try {
    const content = await repository.manifest(tags.release(counter));
    digest = content?.descriptor.digest;
    return content && parseReleaseIndex(content);
  } catch (error) {
    // Too large, malformed, or something else than a release index: content, not a failure to reach it.
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return { kind: 'junk', digest };
    throw error;
  }
}

/**
 * Judges by the Notary Project signatures that are attached to an index in its repository. One trusted signer is enough for a
 * counter to count, however many a zone requires before it admits.
 */
export const signedUnder =
  (content: ContentReader, { policy, ...trust }: Trust, now: Date): AskSigned =>
  async (index) => {
    if (!(await hasReadableList(content, index.digest))) return false;
    const one: Trust = { ...trust, policy: { ...policy, trust: { ...policy.trust, required: 1 } } };
    const search = { content, target: index, named: [], trust: one, now };
    const { value, reasons = [] } = await findSignatures(search);
    if (value && reasons.length === 0) return true;
    const open = reasons.find(({ verdict }) => verdict === 'inconclusive');
    if (!open) return false;
    throw new AmlpromoteError(
      'INCONCLUSIVE',
      `whether ${index.digest} is a signed release could not be told: ${open.subject}: ${open.detail}`,
      {
        nextSteps: [
          'Run again; if the reason stays, repair or delete what it names.',
          'If no trusted signer made that release, delete its tag.',
        ],
      },
    );
  };

/**
 * Where the tag schema keeps the list of what is attached, anybody who may push can put something else there: then nothing is
 * attached. That an honest release is not counted for it does no harm: its tag is taken all the same.
 */
async function hasReadableList(content: ContentReader, index: Digest): Promise<boolean> {
  try {
    await content.referrers(index, mediaTypes.notationSignature);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
