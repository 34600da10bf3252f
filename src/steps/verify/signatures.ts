import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import type { Reason } from '../../domain/verdict.ts';
import { checking } from '../../evidence/check.ts';
import type { Check } from '../../evidence/check.ts';
import { maxEnvelopeBytes } from '../../evidence/notation-envelope.ts';
import { loadReferrer } from '../../evidence/referrer.ts';
import type { Trust, TrustedKey } from '../../evidence/trust.ts';
import { verifyNotation } from '../../evidence/verify-notation.ts';
import type { VerifiedSignature } from '../../evidence/verify-notation.ts';
import type { ContentReader } from '../../ports/content.ts';
import { listCandidates } from './candidates.ts';
import type { Finding } from './report.ts';

export interface SignatureSearch {
  readonly content: ContentReader;
  readonly target: Descriptor;
  /** Signatures that somebody named: tried before what the registry lists, so junk cannot push them out of reach. */
  readonly named: readonly Digest[];
  readonly trust: Trust;
  readonly now: Date;
}

/**
 * Looks for signatures of as many different signers as the policy requires, with different keys. One good signature of a
 * signer suffices; junk beside it neither satisfies nor blocks (threat 13). None in a complete listing is a definite no;
 * a listing or a candidate that could not be read leaves the question open.
 */
export async function findSignatures(search: SignatureSearch): Promise<Finding<readonly TrustedKey[]>> {
  const { required } = search.trust.policy.trust;
  const found: { readonly digest: Digest; readonly signature: VerifiedSignature }[] = [];
  const against: Reason[] = [];
  const enough = (): boolean => countSigners(found.map(({ signature }) => signature)) >= required;
  const tryAll = async (digests: readonly Digest[]): Promise<void> => {
    for (const digest of digests) {
      if (enough()) return;
      const check = await judgeOne(search, digest);
      if (check.verdict === 'allowed') found.push({ digest, signature: check });
      else against.push(...check.reasons);
    }
  };
  await tryAll(search.named);
  if (!enough()) {
    const { content, target, named } = search;
    const { descriptors, reasons } = await listCandidates(
      content,
      target.digest,
      mediaTypes.notationSignature,
      ({ digest }) => !named.includes(digest),
    );
    against.push(...reasons);
    await tryAll(descriptors.map(({ digest }) => digest));
  }
  const evidence = found.map(({ digest }) => digest);
  const keys = found.map(({ signature: { signers, leaf } }) => ({
    name: signers.join(', '),
    certificate: leaf,
  }));
  if (enough()) return { evidence, value: keys };
  const open = against.filter((reason) => reason.verdict === 'inconclusive');
  const missing: Reason = {
    code: 'SIGNATURE_MISSING',
    verdict: 'refused',
    subject: search.target.digest,
    detail: `signed by ${countSigners(found.map(({ signature }) => signature))} of ${required} required signers`,
  };
  return { evidence, value: keys, reasons: open.length > 0 ? open : [missing, ...against] };
}

/** Different names with different keys: one person with two entries in the policy is one signer. */
function countSigners(signatures: readonly VerifiedSignature[]): number {
  const names = new Set(signatures.flatMap(({ signers }) => signers));
  const keys = new Set(
    signatures.map(({ leaf }) => leaf.publicKey.export({ type: 'spki', format: 'der' }).toString('hex')),
  );
  return Math.min(names.size, keys.size);
}

function judgeOne(search: SignatureSearch, digest: Digest): Promise<Check<VerifiedSignature>> {
  const { content, target, trust, now } = search;
  const descriptor: Descriptor = { mediaType: mediaTypes.ociManifest, digest, size: 0 };
  return checking(digest, 'SIGNATURE_INVALID', async () => {
    const loaded = await loadReferrer(content, descriptor, maxEnvelopeBytes);
    return verifyNotation(
      { manifest: loaded.manifest, envelope: loaded.content, target },
      trust.signers,
      now,
    );
  });
}
