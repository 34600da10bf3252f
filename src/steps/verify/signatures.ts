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

/** Keys whose signatures verified, and why there may be more of them: a signature or a listing that could not be read. */
export interface VouchingKeys {
  readonly keys: readonly TrustedKey[];
  readonly open: readonly Reason[];
}

/**
 * Looks for signatures of as many different signers as the policy requires, with different keys. Junk beside the good ones
 * neither satisfies nor blocks (threat 13). All named ones are judged, and all listed ones where those do not suffice: which
 * keys may vouch for the rest must not depend on the order of a list. None in a complete listing is a definite no; a listing
 * or a candidate that could not be read leaves the question open.
 */
export async function findSignatures(search: SignatureSearch): Promise<Finding<VouchingKeys>> {
  const { required } = search.trust.policy.trust;
  const found: { readonly digest: Digest; readonly signature: VerifiedSignature }[] = [];
  const against: Reason[] = [];
  const count = (): number => countSigners(found.map(({ signature }) => signature));
  const tryAll = async (digests: readonly Digest[]): Promise<void> => {
    for (const digest of digests) {
      const check = await judgeOne(search, digest);
      if (check.verdict === 'allowed') found.push({ digest, signature: check });
      else against.push(...check.reasons);
    }
  };
  await tryAll(search.named);
  if (count() < required) {
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
  const open = against.filter((reason) => reason.verdict === 'inconclusive');
  const value = { keys, open };
  if (count() >= required) return { evidence, value };
  const missing: Reason = {
    code: 'SIGNATURE_MISSING',
    verdict: 'refused',
    subject: search.target.digest,
    detail: `signed by ${count()} of ${required} required signers`,
  };
  return { evidence, value, reasons: open.length > 0 ? open : [missing, ...against] };
}

/**
 * As many pairs of a signer and a key as can be made with each used once: one person with two entries in the policy is one
 * signer, and so is one entry with two keys. A maximum matching (augmenting paths), so the order of signatures cannot matter.
 */
export function countSigners(signatures: readonly Pick<VerifiedSignature, 'signers' | 'leaf'>[]): number {
  const keysOf = new Map<string, Set<string>>();
  for (const { signers, leaf } of signatures) {
    const key = leaf.publicKey.export({ type: 'spki', format: 'der' }).toString('hex');
    for (const signer of signers) keysOf.set(signer, (keysOf.get(signer) ?? new Set()).add(key));
  }
  const signerOf = new Map<string, string>();
  const place = (signer: string, tried: Set<string>): boolean =>
    [...(keysOf.get(signer) ?? [])].some((key) => {
      if (tried.has(key)) return false;
      tried.add(key);
      const holder = signerOf.get(key);
      if (holder !== undefined && !place(holder, tried)) return false;
      signerOf.set(key, signer);
      return true;
    });
  return [...keysOf.keys()].filter((signer) => place(signer, new Set())).length;
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
