import type { Descriptor } from '../../domain/descriptor.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { AmlpromoteError, isRefusal } from '../../domain/errors.ts';
import { alreadyAttests } from '../../evidence/attestation.ts';
import type { AttestationRequest } from '../../evidence/attestation.ts';
import { readCertificate } from '../../evidence/certificate.ts';
import type { Certificate } from '../../evidence/certificate.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import { maxEnvelopeBytes } from '../../evidence/notation-envelope.ts';
import { loadReferrer } from '../../evidence/referrer.ts';
import type { LoadedReferrer } from '../../evidence/referrer.ts';
import { maxBundleBytes } from '../../evidence/sigstore-bundle.ts';
import type { TrustedSigner } from '../../evidence/trust.ts';
import { verifyNotation } from '../../evidence/verify-notation.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Signer } from '../../ports/signer.ts';

/**
 * A valid Notary Project signature of `target` by exactly this signer, if the repository has one: signing again would make a
 * second, equal one, for signatures are randomised.
 */
export async function findOwnSignature(
  target: ContentReader,
  subject: Descriptor,
  signer: Signer,
  now: Date,
): Promise<Descriptor | undefined> {
  const chain = await Promise.all(signer.certificates.map((der) => readCertificate(der)));
  const [leaf, root] = [chain[0], chain.at(-1)];
  if (!leaf || !root) return undefined;
  // The whole chain must be in the envelope, as verifiers want it.
  const self: TrustedSigner = { name: 'self', anchors: [root], subject: leaf.subject };
  return findReferrer(target, subject, mediaTypes.notationSignature, maxEnvelopeBytes, async (loaded) => {
    const check = await verifyNotation(
      { manifest: loaded.manifest, envelope: loaded.content, target: subject },
      [self],
      now,
    );
    // The newest by its own word, which this key has signed.
    return check.verdict === 'allowed' ? check.signedAt : undefined;
  });
}

/** An attestation by this key that states exactly what `request` asks for. */
export const findOwnAttestation = (
  target: ContentReader,
  request: AttestationRequest,
  leaf: Certificate,
): Promise<Descriptor | undefined> =>
  findReferrer(target, request.subject, mediaTypes.sigstoreBundle, maxBundleBytes, async (loaded) =>
    (await alreadyAttests({ manifest: loaded.manifest, bundle: loaded.content }, request, leaf))
      ? ''
      : undefined,
  );

/** "Cannot be listed" is not "nothing is attached": each run would sign, and release, anew. */
export const unlisted = ({ digest }: Descriptor, cause: AmlpromoteError): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `what is attached to ${digest} cannot be listed (${cause.message}), so nobody can say whether it is signed already`,
    { nextSteps: cause.nextSteps, cause },
  );

interface Ranked {
  readonly descriptor: Descriptor;
  readonly rank: string;
}

/**
 * Of all that fit the one of the highest rank, ties by the lowest digest: which of two equal ones is taken must not depend on the
 * order of a list, or the same evidence would make two releases.
 * @param rankOf undefined for one that does not fit
 */
async function findReferrer(
  target: ContentReader,
  subject: Descriptor,
  artifactType: string,
  maxBytes: number,
  rankOf: (loaded: LoadedReferrer) => Promise<string | undefined>,
): Promise<Descriptor | undefined> {
  const listed = await target.referrers(subject.digest, artifactType).catch((error: unknown) => {
    throw isRefusal(error) ? unlisted(subject, error) : error;
  });
  let best: Ranked | undefined;
  // Beyond that nothing is searched: a flood can have the same signed again, and nothing else be believed.
  for (const candidate of listed.slice(-maxForeignEntries)) {
    try {
      const loaded = await loadReferrer(target, candidate, maxBytes);
      const rank = await rankOf(loaded);
      const { descriptor } = loaded.manifest;
      if (rank !== undefined && isBetter({ descriptor, rank }, best)) best = { descriptor, rank };
    } catch (error) {
      // Somebody else's junk is no reason not to sign.
      if (!isRefusal(error)) throw error;
    }
  }
  return best?.descriptor;
}

const isBetter = (one: Ranked, other: Ranked | undefined): boolean =>
  other === undefined ||
  one.rank > other.rank ||
  (one.rank === other.rank && one.descriptor.digest < other.descriptor.digest);
