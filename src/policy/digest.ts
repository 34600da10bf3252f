import type { Digest } from '../domain/digest.ts';
import { sha256 } from '../domain/sha256.ts';
import { canonicalJson } from '../json/canonical.ts';
import type { PolicyRules } from '../manifest/policy.ts';

/**
 * SHA-256 of the canonical parsed policy: the same for two files that say the same, whatever their layout, comments and
 * place. A certificate stands in it by content, so `contentOf` gives the digest of each file the policy names.
 */
export function policyDigest(policy: PolicyRules, contentOf: (file: string) => Digest): Digest {
  const { apiVersion, kind, scan, trust, approvals, image } = policy;
  return sha256(
    canonicalJson({
      apiVersion,
      kind,
      scan,
      image,
      trust: {
        ...trust,
        signers: trust.signers.map((signer) => ({ ...signer, ca: contentOf(signer.ca) })),
        receipts: trust.receipts.map((receipt) => ({
          ...receipt,
          certificate: contentOf(receipt.certificate),
        })),
      },
      approvals: {
        ...approvals,
        approvers: approvals.approvers.map((approver) => ({
          ...approver,
          certificate: contentOf(approver.certificate),
        })),
      },
    }),
  );
}
