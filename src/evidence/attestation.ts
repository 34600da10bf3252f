import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { annotations, mediaTypes } from '../domain/media-types.ts';
import { sha256 } from '../domain/sha256.ts';
import type { Signer } from '../ports/signer.ts';
import { rawToDer, verifyDer } from './algorithm.ts';
import type { EvidenceArtifact } from './artifact.ts';
import { readCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { checking, malformed, refused } from './check.ts';
import type { Check } from './check.ts';
import { preAuthEncoding } from './dsse.ts';
import { wholeSeconds } from './notation.ts';
import { encodeReferrer, referrerFacts, sameContent } from './referrer.ts';
import { encodeBundle, parseBundle } from './sigstore-bundle.ts';
import { encodeStatement, parseStatement } from './statement.ts';
import { keyOf } from './trust.ts';
import type { TrustedKey } from './trust.ts';

export interface AttestationRequest {
  /** What the statement is about, and what the artifact refers to. */
  readonly subject: Descriptor;
  /** The repository, for people and for tools that print it; no verifier relies on it. */
  readonly name: string;
  readonly predicateType: string;
  readonly predicate: unknown;
}

const statementOf = ({ subject, name, predicateType, predicate }: AttestationRequest): Uint8Array =>
  encodeStatement({ subject: { name, digest: subject.digest }, predicateType, predicate });

/** Signs a statement and wraps it as a Sigstore bundle v0.3, as cosign 3 attaches and finds it. */
export async function attest(
  request: AttestationRequest,
  signer: Signer,
  now: Date,
): Promise<EvidenceArtifact> {
  const payload = statementOf(request);
  const raw = await signer.sign(preAuthEncoding(mediaTypes.dssePayload, payload));
  const leaf = await leafOf(signer);
  const bundle = encodeBundle({
    hint: keyHint(leaf),
    payloadType: mediaTypes.dssePayload,
    payload,
    signature: rawToDer(raw),
  });
  return encodeReferrer({
    type: { artifactType: mediaTypes.sigstoreBundle },
    subject: request.subject,
    layer: { mediaType: mediaTypes.sigstoreBundle, bytes: bundle },
    annotations: {
      [annotations.created]: wholeSeconds(now),
      [annotations.bundleContent]: 'dsse-envelope',
      [annotations.predicateType]: request.predicateType,
    },
  });
}

/** The certificate that stands for a signer's key. */
export async function leafOf(signer: Signer): Promise<Certificate> {
  const [der] = signer.certificates;
  if (!der) throw new TypeError('a signer without a certificate');
  return readCertificate(der);
}

/** cosign's hint: base64 of the SHA-256 of the public key (SPKI, DER). */
const keyHint = (leaf: Certificate): string => {
  const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
  return Buffer.from(sha256(spki).slice('sha256:'.length), 'hex').toString('base64');
};

export interface Attestation {
  readonly manifest: ManifestContent;
  /** Bytes of the manifest's only layer, checked by digest. */
  readonly bundle: Uint8Array;
}

export interface AttestationWanted {
  readonly subject: Descriptor;
  /** Always named: a good signature over another kind of statement proves nothing here (threat 12). */
  readonly predicateType: string;
}

export interface VerifiedAttestation {
  readonly key: TrustedKey;
  /** Parsed from exactly the bytes that were signed; its shape is for the predicate's parser to check. */
  readonly predicate: unknown;
  readonly statement: Uint8Array;
}

/**
 * Judges one attestation against keys that are trusted already. Never `inconclusive`: it needs nothing but its bytes.
 * The manifest's annotations are not believed, only the signed statement.
 */
export function verifyAttestation(
  attestation: Attestation,
  wanted: AttestationWanted,
  keys: readonly TrustedKey[],
): Promise<Check<VerifiedAttestation>> {
  const subject = attestation.manifest.descriptor.digest;
  const where = `attestation ${subject}`;
  return checking(subject, 'ATTESTATION_INVALID', async () => {
    const facts = referrerFacts(attestation.manifest);
    if (facts.artifactType !== mediaTypes.sigstoreBundle) malformed(where, 'is of another type');
    if (facts.layer.mediaType !== mediaTypes.sigstoreBundle) malformed(where, 'its layer is of another type');
    if (!sameContent(facts.subject, wanted.subject)) malformed(where, 'is attached to something else');
    const bundle = parseBundle(attestation.bundle, where);
    if (bundle.payloadType !== mediaTypes.dssePayload)
      malformed(where, 'its payload is no in-toto statement');
    const signed = preAuthEncoding(bundle.payloadType, bundle.payload);
    const key = keys.find((one) => verifyDer(keyOf(one), signed, bundle.signature));
    if (!key)
      return refused('SIGNER_UNTRUSTED', subject, 'it is not signed by a key that vouches for this image');
    const statement = parseStatement(bundle.payload, where);
    if (statement.subject.digest !== wanted.subject.digest)
      return refused('ATTESTATION_INVALID', subject, `it is about ${statement.subject.digest}`);
    if (statement.predicateType !== wanted.predicateType)
      return refused('ATTESTATION_INVALID', subject, `it states ${statement.predicateType.slice(0, 120)}`);
    return { verdict: 'allowed', key, predicate: statement.predicate, statement: bundle.payload };
  });
}

/** True when `attestation` is what `attest(request)` with this key would state again: `sign` need not repeat it. */
export async function alreadyAttests(
  attestation: Attestation,
  request: AttestationRequest,
  leaf: Certificate,
): Promise<boolean> {
  const check = await verifyAttestation(attestation, request, [{ name: leaf.name, certificate: leaf }]);
  return check.verdict === 'allowed' && Buffer.from(check.statement).equals(statementOf(request));
}
