import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { Reason } from '../../domain/verdict.ts';
import { verifyAttestation } from '../../evidence/attestation.ts';
import { checking } from '../../evidence/check.ts';
import type { Check } from '../../evidence/check.ts';
import { loadReferrer } from '../../evidence/referrer.ts';
import { maxBundleBytes } from '../../evidence/sigstore-bundle.ts';
import type { TrustedKey } from '../../evidence/trust.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Candidates } from './candidates.ts';
import type { VouchingKeys } from './signatures.ts';

export interface AttestationSearch<T> {
  readonly content: ContentReader;
  readonly subject: Descriptor;
  readonly predicateType: string;
  readonly candidates: Candidates;
  /** Keys whose signatures on this release verified under the policy. */
  readonly vouching: VouchingKeys;
  /** Strict: throws CONTENT_INVALID for a predicate that is not what it should be. */
  readonly parse: (predicate: unknown, where: string) => T;
}

export interface FoundAttestation<T> {
  readonly digest: Digest;
  readonly subject: Descriptor;
  readonly key: TrustedKey;
  readonly predicate: T;
}

/**
 * All attestations of one kind about one subject that a trusted key signed; what else is among the candidates (other keys,
 * other subjects, foreign formats) neither satisfies nor blocks (threats 11 to 16). Without any, why not.
 */
export async function findAttestations<T>(
  search: AttestationSearch<T>,
): Promise<{ readonly found: readonly FoundAttestation<T>[]; readonly reasons: readonly Reason[] }> {
  const found: FoundAttestation<T>[] = [];
  const against: Reason[] = [...search.candidates.reasons];
  for (const candidate of search.candidates.descriptors) {
    const check = await judgeOne(search, candidate);
    if (check.verdict === 'allowed') found.push(check);
    else against.push(...check.reasons);
  }
  if (found.length > 0) return { found, reasons: [] };
  const open = against.filter((reason) => reason.verdict === 'inconclusive');
  // A key that is not known to vouch may be the one of a signature that could not be read.
  if (against.some(({ code }) => code === 'SIGNER_UNTRUSTED')) open.push(...search.vouching.open);
  if (open.length > 0) return { found, reasons: open };
  const missing: Reason = {
    code: 'ATTESTATION_MISSING',
    verdict: 'refused',
    subject: search.subject.digest,
    detail: `no attestation of ${search.predicateType} by a trusted key`,
  };
  return { found, reasons: [missing, ...against] };
}

function judgeOne<T>(
  search: AttestationSearch<T>,
  candidate: Descriptor,
): Promise<Check<FoundAttestation<T>>> {
  const { content, subject, predicateType, vouching, parse } = search;
  return checking<FoundAttestation<T>>(candidate.digest, 'ATTESTATION_INVALID', async () => {
    const loaded = await loadReferrer(content, candidate, maxBundleBytes);
    const check = await verifyAttestation(
      { manifest: loaded.manifest, bundle: loaded.content },
      { subject, predicateType },
      vouching.keys,
    );
    if (check.verdict !== 'allowed') return check;
    const predicate = parse(check.predicate, `attestation ${candidate.digest}`);
    return { verdict: 'allowed', digest: candidate.digest, subject, key: check.key, predicate };
  });
}
