import type { Descriptor } from '../domain/descriptor.ts';
import { annotations, mediaTypes } from '../domain/media-types.ts';
import type { Signer } from '../ports/signer.ts';
import type { EvidenceArtifact } from './artifact.ts';
import { readCertificate } from './certificate.ts';
import { encodeReferrer } from './referrer.ts';

/** Header names and values of a Notary Project JWS signature (signature-envelope-jws.md). */
export const notary = {
  payloadType: 'application/vnd.cncf.notary.payload.v1+json',
  scheme: 'io.cncf.notary.signingScheme',
  x509Scheme: 'notary.x509',
  signingTime: 'io.cncf.notary.signingTime',
  expiry: 'io.cncf.notary.expiry',
  authenticSigningTime: 'io.cncf.notary.authenticSigningTime',
  verificationPlugin: 'io.cncf.notary.verificationPlugin',
  signingAgent: 'io.cncf.notary.signingAgent',
  timestamp: 'io.cncf.notary.timestampSignature',
  thumbprints: 'io.cncf.notary.x509chain.thumbprint#S256',
} as const;

/** RFC 3339, UTC, whole seconds: anything finer makes notation fail. */
export const wholeSeconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/**
 * A Notary Project signature (JWS, scheme notary.x509) of `target`, as the artifact that notation finds in registries and
 * in OCI layouts: its type stands as the config's media type. Signatures are randomised: signing twice gives two artifacts.
 */
export async function signNotation(target: Descriptor, signer: Signer, now: Date): Promise<EvidenceArtifact> {
  const { mediaType, digest, size } = target;
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const protectedHeader = encoded({
    alg: 'ES256',
    crit: [notary.scheme],
    cty: notary.payloadType,
    [notary.scheme]: notary.x509Scheme,
    [notary.signingTime]: wholeSeconds(now),
  });
  const payload = encoded({ targetArtifact: { mediaType, digest, size } });
  const signature = await signer.sign(Buffer.from(`${protectedHeader}.${payload}`));
  const chain = await Promise.all(signer.certificates.map((der) => readCertificate(der)));
  const envelope = {
    payload,
    protected: protectedHeader,
    header: {
      x5c: chain.map(({ der }) => Buffer.from(der).toString('base64')),
      [notary.signingAgent]: 'amlpromote',
    },
    signature: Buffer.from(signature).toString('base64url'),
  };
  return encodeReferrer({
    type: { configType: mediaTypes.notationSignature },
    subject: target,
    layer: { mediaType: mediaTypes.notationEnvelope, bytes: Buffer.from(JSON.stringify(envelope)) },
    annotations: {
      [notary.thumbprints]: JSON.stringify(chain.map((certificate) => certificate.thumbprint)),
      [annotations.created]: wholeSeconds(now),
    },
  });
}
