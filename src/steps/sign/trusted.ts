import type { Descriptor } from '../../domain/descriptor.ts';
import { isRefusal } from '../../domain/errors.ts';
import { annotations, mediaTypes, predicateTypes } from '../../domain/media-types.ts';
import { verifyAttestation } from '../../evidence/attestation.ts';
import type { Certificate } from '../../evidence/certificate.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import { maxEnvelopeBytes } from '../../evidence/notation-envelope.ts';
import { loadReferrer } from '../../evidence/referrer.ts';
import type { LoadedReferrer } from '../../evidence/referrer.ts';
import { maxBundleBytes } from '../../evidence/sigstore-bundle.ts';
import type { Trust, TrustedKey } from '../../evidence/trust.ts';
import { verifyNotation } from '../../evidence/verify-notation.ts';
import type { VerifiedSignature } from '../../evidence/verify-notation.ts';
import type { ContentReader } from '../../ports/content.ts';
import { countSigners } from '../verify/signatures.ts';
import { unlisted } from './existing.ts';

/** Something that is attached to a subject and that a key of the policy has signed. */
export interface Trusted<T> {
  readonly descriptor: Descriptor;
  readonly value: T;
  /** Of the key that signed it. */
  readonly certificate: Certificate;
}

export interface SignatureQuestion {
  readonly content: ContentReader;
  readonly subject: Descriptor;
  /** Attached just now: a registry may list it later. It is judged like the rest. */
  readonly attached?: readonly Descriptor[];
  readonly trust: Trust;
  readonly now: Date;
}

/**
 * Signatures of a subject by signers of the policy, the newest first, ties by digest. What others have attached is passed over
 * (threat 13).
 * @throws what the registry throws
 */
export async function trustedSignatures(
  question: SignatureQuestion,
): Promise<readonly Trusted<VerifiedSignature>[]> {
  const { content, subject, attached = [], trust, now } = question;
  const found = await judged(
    content,
    await candidatesOf(content, subject, mediaTypes.notationSignature, attached),
    maxEnvelopeBytes,
    async ({ manifest, content: envelope }) => {
      const check = await verifyNotation({ manifest, envelope, target: subject }, trust.signers, now);
      return check.verdict === 'allowed' ? { value: check, certificate: check.leaf } : undefined;
    },
  );
  return newestFirst(found, ({ signedAt }) => signedAt);
}

/**
 * The first signature of each key that must be among them, then the first ones of further signers, until there are as many as are
 * required.
 */
export function enough(
  signatures: readonly Trusted<VerifiedSignature>[],
  required: number,
  needed: readonly Certificate[] = [],
): { readonly chosen: readonly Trusted<VerifiedSignature>[]; readonly suffices: boolean } {
  const chosen = signatures.filter(
    (one, at) =>
      needed.some(({ publicKey }) => publicKey.equals(one.certificate.publicKey)) &&
      signatures.findIndex(({ certificate }) => certificate.publicKey.equals(one.certificate.publicKey)) ===
        at,
  );
  const signers = (some: readonly Trusted<VerifiedSignature>[]): number =>
    countSigners(some.map(({ value }) => value));
  for (const one of signatures) {
    if (signers(chosen) >= required) break;
    if (signers([...chosen, one]) > signers(chosen)) chosen.push(one);
  }
  return { chosen, suffices: signers(chosen) >= required };
}

export interface AttestationQuestion<T> {
  readonly content: ContentReader;
  readonly subject: Descriptor;
  readonly kind: 'sbom' | 'scan' | 'provenance';
  /** As in `SignatureQuestion`. */
  readonly attached: readonly Descriptor[];
  /** Keys that have signed the image, and that the policy trusts. */
  readonly keys: readonly TrustedKey[];
  /** Throws CONTENT_INVALID for a predicate that is not what it should be. */
  readonly parse: (predicate: unknown, where: string) => T;
}

/** Attestations of one kind about one subject by such a key, in no order. @throws what the registry throws */
export async function trustedAttestations<T>(
  question: AttestationQuestion<T>,
): Promise<readonly Trusted<T>[]> {
  const { content, subject, kind, attached, keys, parse } = question;
  if (keys.length === 0) return [];
  const predicateType = predicateTypes[kind];
  const candidates = await candidatesOf(content, subject, mediaTypes.sigstoreBundle, attached);
  return await judged(
    content,
    // An annotation that names another kind is a label to go by; one that is absent says nothing.
    candidates.filter(
      (one) => (one.annotations?.[annotations.predicateType] ?? predicateType) === predicateType,
    ),
    maxBundleBytes,
    async ({ manifest, content: bundle }) => {
      const check = await verifyAttestation({ manifest, bundle }, { subject, predicateType }, keys);
      return check.verdict === 'allowed'
        ? {
            value: parse(check.predicate, `attestation ${manifest.descriptor.digest}`),
            certificate: check.key.certificate,
          }
        : undefined;
    },
  );
}

async function candidatesOf(
  content: ContentReader,
  subject: Descriptor,
  artifactType: string,
  attached: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
  const listed = await content.referrers(subject.digest, artifactType).catch((error: unknown) => {
    throw isRefusal(error) ? unlisted(subject, error) : error;
  });
  const last = listed.slice(-maxForeignEntries);
  const known = new Set(last.map(({ digest }) => digest));
  return [...last, ...attached.filter(({ digest }) => !known.has(digest))];
}

async function judged<T>(
  content: ContentReader,
  candidates: readonly Descriptor[],
  maxBytes: number,
  judge: (loaded: LoadedReferrer) => Promise<Omit<Trusted<T>, 'descriptor'> | undefined>,
): Promise<readonly Trusted<T>[]> {
  const found: Trusted<T>[] = [];
  for (const candidate of candidates) {
    try {
      const loaded = await loadReferrer(content, candidate, maxBytes);
      const signed = await judge(loaded);
      if (signed) found.push({ descriptor: loaded.manifest.descriptor, ...signed });
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  return found;
}

/** @param time RFC 3339, of what is signed */
export const newestFirst = <T>(
  found: readonly Trusted<T>[],
  time: (value: T) => string,
): readonly Trusted<T>[] =>
  [...found].sort(
    (a, b) =>
      (Date.parse(time(b.value)) || 0) - (Date.parse(time(a.value)) || 0) ||
      (a.descriptor.digest < b.descriptor.digest ? -1 : 1),
  );
