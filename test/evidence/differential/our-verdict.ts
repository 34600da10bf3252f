import { hexOf } from '../../../src/domain/digest.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { readCertificatesPem } from '../../../src/evidence/certificate.ts';
import { checking } from '../../../src/evidence/check.ts';
import { parseName } from '../../../src/evidence/distinguished-name.ts';
import { notary } from '../../../src/evidence/notation.ts';
import { encodeReferrer } from '../../../src/evidence/referrer.ts';
import { verifyNotation } from '../../../src/evidence/verify-notation.ts';
import type { VerifiedSignature } from '../../../src/evidence/verify-notation.ts';
import type { NotationCase } from './notation-draft.ts';

export interface OurVerdict {
  readonly verdict: 'allowed' | 'refused' | 'inconclusive';
  readonly detail: string;
}

/** Our answer about a case: the envelope wrapped as a registry serves it, so that only the envelope and the policy decide. */
export async function ourVerdict(one: NotationCase, now: Date): Promise<OurVerdict> {
  const envelope = Buffer.from(one.envelope, 'base64');
  const target = { ...one.descriptor, digest: one.descriptor.digest as Digest };
  const { manifest } = encodeReferrer({
    type: { configType: mediaTypes.notationSignature },
    subject: target,
    layer: { mediaType: mediaTypes.notationEnvelope, bytes: envelope },
    annotations: { [notary.thumbprints]: JSON.stringify(thumbprints(envelope)) },
  });
  try {
    const anchors = await readCertificatesPem(one.ca.join(''), 'ca');
    const signer = { name: 'release', anchors, subject: parseName(one.subject) };
    const check = await checking<VerifiedSignature>('case', 'SIGNATURE_INVALID', () =>
      verifyNotation({ manifest, envelope, target }, [signer], now),
    );
    if (check.verdict === 'allowed') return { verdict: 'allowed', detail: '' };
    return { verdict: check.verdict, detail: check.reasons.map(({ detail }) => detail).join('; ') };
  } catch (error) {
    // A policy that cannot be read judges nothing.
    return {
      verdict: 'refused',
      detail: `policy: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function thumbprints(envelope: Buffer): readonly string[] {
  const list = /"x5c":(\[[^\]]*\])/i.exec(envelope.toString())?.[1] ?? '[]';
  return (JSON.parse(list) as string[]).map((der) => hexOf(sha256(Buffer.from(der, 'base64'))));
}
