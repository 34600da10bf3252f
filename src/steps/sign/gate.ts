import type { BuildClaims } from '../../domain/build.ts';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { chainProblems } from '../../evidence/certificate-chain.ts';
import { readCertificate } from '../../evidence/certificate.ts';
import { includesName } from '../../evidence/distinguished-name.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { ScanOutcome } from '../../ports/scanner.ts';
import type { Signer } from '../../ports/signer.ts';
import { evaluateImage } from '../../policy/image.ts';
import { evaluateScan } from '../../policy/scan.ts';
import { decide } from '../../domain/verdict.ts';
import { requireDecision } from '../verify/require.ts';
import type { PlatformImage } from '../verify/image.ts';

export interface ScannedPlatform {
  readonly platform: PlatformImage;
  readonly scan: ScanOutcome;
}

export interface GateFacts {
  readonly image: Descriptor;
  readonly platforms: readonly ScannedPlatform[];
  /** What the provenance is going to say. */
  readonly build: BuildClaims;
}

/**
 * Nothing is signed that this zone's own policy would not admit: its findings today, its platform, size, user and base.
 * @throws POLICY_REFUSED, INCONCLUSIVE with the reasons
 */
export function requireAdmissible(
  facts: GateFacts,
  policy: Trust['policy'],
  now: Date,
  subject: string,
): void {
  const decision = decide(
    facts.platforms.flatMap(({ platform, scan }) => [
      ...evaluateScan(scan.report, policy, now).reasons,
      ...evaluateImage({ ...platform.facts, builds: [facts.build] }, policy).reasons,
    ]),
  );
  requireDecision(
    decision,
    subject,
    facts.platforms.map(({ scan }) => scan.report),
  );
}

/**
 * A key that this policy does not trust would be found out only after gigabytes had crossed.
 * @throws KEY_MISSING
 */
export async function requireTrustedSigner(signer: Signer, trust: Trust, now: Date): Promise<void> {
  const [leaf, ...issuers] = await Promise.all(signer.certificates.map((der) => readCertificate(der)));
  if (!leaf) throw new TypeError('a signer without a certificate');
  const problems = trust.signers
    .filter(({ subject }) => includesName(leaf.subject, subject))
    .map(({ anchors }) => chainProblems([leaf, ...issuers], anchors, now));
  if (problems.some((one) => one.length === 0)) return;
  const why = problems[0]?.map(({ detail }) => detail).join('; ');
  throw new AmlpromoteError(
    'KEY_MISSING',
    `the policy does not trust what ${leaf.name} signs: ${why ?? 'it names no signer with this subject'}`,
    {
      nextSteps: ['Sign with the release key, or name its CA and subject under trust.signers in the policy.'],
    },
  );
}
