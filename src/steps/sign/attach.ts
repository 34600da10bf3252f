import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { Progress } from '../../domain/events.ts';
import type { ReleaseRole } from '../../domain/release.ts';
import { pushArtifact } from '../../evidence/artifact.ts';
import type { EvidenceArtifact } from '../../evidence/artifact.ts';
import { attest, leafOf } from '../../evidence/attestation.ts';
import type { AttestationRequest } from '../../evidence/attestation.ts';
import { signNotation } from '../../evidence/notation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Repository } from '../../ports/content.ts';
import type { Signer } from '../../ports/signer.ts';
import { findOwnAttestation, findOwnSignature } from './existing.ts';

export interface AttachPorts {
  readonly target: Repository;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'now'>;
  readonly progress: Progress;
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
  const { target, signer, clock } = ports;
  const found = await findOwnSignature(target, subject, signer, clock.now());
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
  const found =
    (await findOwnAttestation(target, request, leaf)) ??
    (earlier && (await findOwnAttestation(target, earlier, leaf)));
  return found ? attached(role, found, true) : push(ports, role, await attest(request, signer, clock.now()));
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
