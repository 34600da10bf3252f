import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { Progress } from '../../domain/events.ts';
import type { ReleaseRole } from '../../domain/release.ts';
import { pushArtifact } from '../../evidence/artifact.ts';
import type { EvidenceArtifact } from '../../evidence/artifact.ts';
import { attest, leafOf } from '../../evidence/attestation.ts';
import type { AttestationRequest } from '../../evidence/attestation.ts';
import type { Certificate } from '../../evidence/certificate.ts';
import { signNotation } from '../../evidence/notation.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Repository } from '../../ports/content.ts';
import type { Signer } from '../../ports/signer.ts';
import { findOwnAttestation, findOwnSignature } from './existing.ts';
import { enough, trustedSignatures } from './trusted.ts';

export interface AttachPorts {
  readonly target: Repository;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'now'>;
  readonly progress: Progress;
  /** Where given: what another key of the policy has signed is not signed again by this one. */
  readonly trust?: Trust;
  /** Those that have signed the image. */
  readonly vouching?: readonly Certificate[];
  /** Signs the image with this key, before it states something about it: else nobody would believe that. */
  readonly vouch?: () => Promise<unknown>;
}

/** One manifest that vouches for the image. */
export interface Attached {
  readonly role: Exclude<ReleaseRole, 'image'>;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** It was there before: the same key over the same content. */
  readonly already: boolean;
}

export async function attachSignature(ports: AttachPorts, subject: Descriptor): Promise<Attached> {
  const { target, signer, clock, trust } = ports;
  const own = await findOwnSignature(target, subject, signer, clock.now());
  const found = own ?? (trust && (await findOthers(target, subject, trust, clock.now())));
  return found
    ? attached('signature', found, true)
    : push(ports, 'signature', await signNotation(subject, signer, clock.now()));
}

/** @param earlier what an older version stated instead: taken where it is attached already, never made again */
export async function attachAttestation(
  ports: AttachPorts,
  role: 'sbom' | 'scan' | 'provenance',
  request: AttestationRequest,
  earlier?: AttestationRequest,
): Promise<Attached> {
  const { target, signer, clock } = ports;
  const leaf = await leafOf(signer);
  const by = async (key: Certificate): Promise<Descriptor | undefined> =>
    (await findOwnAttestation(target, request, key)) ??
    (earlier && (await findOwnAttestation(target, earlier, key)));
  const own = await by(leaf);
  // Also of what it stated in a run that was killed.
  if (own) await ports.vouch?.();
  if (own) return attached(role, own, true);
  for (const key of ports.vouching ?? []) {
    const found = await by(key);
    if (found) return attached(role, found, true);
  }
  await ports.vouch?.();
  return push(ports, role, await attest(request, signer, clock.now()));
}

/** The newest signature by others, if there are as many as the policy requires. */
async function findOthers(
  content: Repository,
  subject: Descriptor,
  trust: Trust,
  now: Date,
): Promise<Descriptor | undefined> {
  const signatures = await trustedSignatures({ content, subject, trust, now });
  const { chosen, suffices } = enough(signatures, trust.policy.trust.required);
  return suffices ? chosen[0]?.descriptor : undefined;
}

async function push(
  ports: AttachPorts,
  role: Attached['role'],
  artifact: EvidenceArtifact,
): Promise<Attached> {
  await pushArtifact(ports.target, artifact);
  const { descriptor } = artifact.manifest;
  ports.progress({ type: 'effect', step: 'sign', effect: `attached ${role}`, subject: descriptor.digest });
  return attached(role, descriptor, false);
}

const attached = (
  role: Attached['role'],
  { digest, mediaType, size }: Descriptor,
  already: boolean,
): Attached => ({ role, digest, mediaType, size, already });
