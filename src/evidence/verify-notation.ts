import * as z from 'zod';
import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { mediaTypes } from '../domain/media-types.ts';
import type { Reason } from '../domain/verdict.ts';
import { parseStrictJson } from '../json/strict.ts';
import { algorithmOf, verifyJws } from './algorithm.ts';
import { chainProblems, clockToleranceMs } from './certificate-chain.ts';
import { readCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { checking, failed, malformed, refused } from './check.ts';
import type { Check } from './check.ts';
import { includesName } from './distinguished-name.ts';
import { parseNotationEnvelope } from './notation-envelope.ts';
import type { NotationEnvelope } from './notation-envelope.ts';
import { notary } from './notation.ts';
import { referrerFacts, sameContent } from './referrer.ts';
import type { TrustedSigner } from './trust.ts';

export interface NotationSignature {
  readonly manifest: ManifestContent;
  /** Bytes of the manifest's only layer, checked by digest. */
  readonly envelope: Uint8Array;
  /** What must be signed: media type, digest and size all count. */
  readonly target: Descriptor;
}

export interface VerifiedSignature {
  /** Names of the policy's signers that this signature counts for. */
  readonly signers: readonly string[];
  /** The certificate whose key signed: attestations of the same key may be believed. */
  readonly leaf: Certificate;
  /** As claimed by the signer, RFC 3339. */
  readonly signedAt: string;
}

/**
 * Judges one Notary Project signature against the policy's signers: CA and subject come from there, never from the envelope
 * (threat 15). `inconclusive` = clocks disagree, or a certificate names a revocation service.
 */
export function verifyNotation(
  signature: NotationSignature,
  trusted: readonly TrustedSigner[],
  now: Date,
): Promise<Check<VerifiedSignature>> {
  const subject = signature.manifest.descriptor.digest;
  return checking(subject, 'SIGNATURE_INVALID', async () => {
    checkManifest(signature);
    const envelope = parseNotationEnvelope(signature.envelope, `signature ${subject}`);
    const [leaf, ...issuers] = await Promise.all(
      envelope.chain.map((der) => readCertificate(der, `certificate of signature ${subject}`)),
    );
    if (!leaf) return refused('SIGNATURE_INVALID', subject, 'it carries no certificate');
    const chain = [leaf, ...issuers] as const;
    checkThumbprints(signature, chain);
    if (!sameContent(envelope.target, signature.target))
      return refused('SIGNATURE_INVALID', subject, `it signs ${envelope.target.digest}, not this content`);
    if (algorithmOf(leaf.publicKey)?.jws !== envelope.algorithm)
      return refused('SIGNATURE_INVALID', subject, 'its algorithm is not the one of its key');
    if (!verifyJws(leaf.publicKey, envelope.signedBytes, envelope.signature))
      return refused('SIGNATURE_INVALID', subject, 'the signature does not fit the content');
    const untimely = timeProblems(envelope, leaf, now);
    if (untimely.some(({ verdict }) => verdict === 'refused')) return failed(untimely);
    const matched = matchSigners(chain, trusted, envelope, now);
    // Only a signer that is trusted can leave a question open: anybody can write a time that is yet to come.
    return matched.verdict === 'allowed' && untimely.length > 0 ? failed(untimely) : matched;
  });
}

function matchSigners(
  chain: readonly [Certificate, ...Certificate[]],
  trusted: readonly TrustedSigner[],
  envelope: NotationEnvelope,
  now: Date,
): Check<VerifiedSignature> {
  const [leaf] = chain;
  const named = trusted.filter((signer) => includesName(leaf.subject, signer.subject));
  const judged = named.map((signer) => ({
    name: signer.name,
    problems: chainProblems(chain, signer.anchors, now),
  }));
  const signers = judged.filter(({ problems }) => problems.length === 0).map(({ name }) => name);
  if (signers.length > 0)
    return { verdict: 'allowed', signers, leaf, signedAt: envelope.signingTime.toISOString() };
  if (judged.length === 0)
    return refused('SIGNER_UNTRUSTED', leaf.name, 'the policy names no signer with this subject');
  // The signer that comes nearest: a reachable CA says more than "does not lead to a CA".
  const nearest = judged.find(({ problems }) => problems.every((one) => one.code !== 'SIGNER_UNTRUSTED'));
  return failed((nearest ?? judged[0])?.problems ?? []);
}

function checkManifest(signature: NotationSignature): void {
  const where = `signature ${signature.manifest.descriptor.digest}`;
  const facts = referrerFacts(signature.manifest);
  if (facts.artifactType !== mediaTypes.notationSignature) malformed(where, 'is of another type');
  if (facts.layer.mediaType !== mediaTypes.notationEnvelope)
    malformed(where, `envelope ${facts.layer.mediaType} is not supported, only JWS`);
  if (!sameContent(facts.subject, signature.target)) malformed(where, 'is attached to something else');
}

/** The annotation by which registries are searched for a signer must not say other than the envelope. */
function checkThumbprints(signature: NotationSignature, chain: readonly Certificate[]): void {
  const where = `signature ${signature.manifest.descriptor.digest} thumbprints`;
  const annotation = referrerFacts(signature.manifest).annotations[notary.thumbprints];
  const claimed = z
    .array(z.string())
    .safeParse(parseStrictJson(annotation ?? 'null', { where, maxDepth: 2 })).data;
  const equal =
    claimed?.length === chain.length && chain.every((one, index) => one.thumbprint === claimed[index]);
  if (!equal) malformed(where, 'are not those of its certificates');
}

function timeProblems(envelope: NotationEnvelope, leaf: Certificate, now: Date): readonly Reason[] {
  const { signingTime, expiry } = envelope;
  const problem = (code: Reason['code'], verdict: Reason['verdict'], detail: string): Reason => ({
    code,
    verdict,
    subject: leaf.name,
    detail,
  });
  if (expiry && now >= expiry)
    return [problem('SIGNATURE_INVALID', 'refused', `the signature expired on ${expiry.toISOString()}`)];
  if (expiry && expiry <= signingTime)
    return [problem('SIGNATURE_INVALID', 'refused', 'it says it expires before it was made')];
  if (signingTime < leaf.notBefore || signingTime > leaf.notAfter)
    return [
      problem('SIGNATURE_INVALID', 'refused', 'it says it was made outside its certificate’s validity'),
    ];
  if (signingTime.getTime() > now.getTime() + clockToleranceMs) {
    const detail = `it says it was made on ${signingTime.toISOString()}, which is yet to come: check the clocks`;
    return [problem('SIGNATURE_INVALID', 'inconclusive', detail)];
  }
  return [];
}
