import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { checking } from '../../evidence/check.ts';
import { maxEnvelopeBytes } from '../../evidence/notation-envelope.ts';
import { loadReferrer } from '../../evidence/referrer.ts';
import type { Trust } from '../../evidence/trust.ts';
import { verifyNotation } from '../../evidence/verify-notation.ts';
import type { VerifiedSignature } from '../../evidence/verify-notation.ts';
import type { ContentReader } from '../../ports/content.ts';
import { listCandidates } from './candidates.ts';

/**
 * Of several indexes under one counter, as only version 0.1.0 could admit them: the one with the newest trusted signing time;
 * of several with the same, the one with the lowest digest. An index without a signature that is trusted now comes last.
 */
export async function newestIndex(
  content: ContentReader,
  indexes: readonly Digest[],
  trust: Trust,
  now: Date,
): Promise<Digest | undefined> {
  const dated = await Promise.all(
    indexes.map(async (digest) => ({ digest, at: await newestSigning(content, digest, trust, now) })),
  );
  return dated.sort((a, b) => b.at - a.at || (a.digest < b.digest ? -1 : 1))[0]?.digest;
}

async function newestSigning(
  content: ContentReader,
  index: Digest,
  trust: Trust,
  now: Date,
): Promise<number> {
  const target = await content.resolve(index);
  if (!target) return -Infinity;
  const { descriptors } = await listCandidates(content, index, mediaTypes.notationSignature);
  let newest = -Infinity;
  for (const candidate of descriptors) {
    const check = await judgeOne(content, candidate, target, trust, now);
    if (check.verdict === 'allowed') newest = Math.max(newest, Date.parse(check.signedAt));
  }
  return newest;
}

const judgeOne = (
  content: ContentReader,
  candidate: Descriptor,
  { mediaType, digest, size }: Descriptor,
  trust: Trust,
  now: Date,
) =>
  checking<VerifiedSignature>(candidate.digest, 'SIGNATURE_INVALID', async () => {
    const { manifest, content: envelope } = await loadReferrer(content, candidate, maxEnvelopeBytes);
    return await verifyNotation(
      { manifest, envelope, target: { mediaType, digest, size } },
      trust.signers,
      now,
    );
  });
