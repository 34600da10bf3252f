import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { Release } from '../../domain/release.ts';
import type { ScanReport } from '../../domain/scan.ts';
import type { Reason, Verdict } from '../../domain/verdict.ts';
import { worst } from '../../domain/verdict.ts';
import { reasonOf } from '../../evidence/check.ts';

/** Every rule with the sentence that explains it, in the order in which they are reported. */
export const ruleSentences = {
  'release-index': 'The release index is the one that release.json names, and says the same of itself.',
  'index-signature': 'The signers that the policy requires have signed the release index.',
  listing:
    'Everything that the index lists is there: manifests, configs and evidence hash to their digests, layers have their sizes.',
  'image-manifest': 'The image manifest that crosses is about this image, name, version and repository.',
  'image-signature': 'The signers that the policy requires have signed the image.',
  sbom: 'A trusted key attests the contents (SBOM) of every platform of the image.',
  scan: 'A trusted key attests a scan of every platform of the image.',
  findings: 'The attested findings are acceptable to this policy today.',
  provenance: 'A trusted key attests how the image was built.',
  'image-policy': 'Platform, size, user and base of the image are what the policy allows.',
  approvals: 'The people that the policy requires have approved.',
  rollback: 'No later release was admitted here before, and no other one under the same counter.',
} as const;

export type RuleName = keyof typeof ruleSentences;

export interface RuleResult {
  readonly rule: RuleName;
  readonly verdict: Verdict;
  readonly sentence: string;
  /** Also what was looked at and accepted: an exception that applied has the verdict `allowed`. */
  readonly reasons: readonly Reason[];
  /** Manifests that the answer rests on. */
  readonly evidence: readonly Digest[];
  /** Of rule `findings`: the scans that were judged. */
  readonly scans?: readonly ScanReport[];
}

export interface Verification {
  readonly verdict: Verdict;
  /** `host/repository@sha256:…` of what was judged. */
  readonly subject: string;
  readonly release?: Release;
  readonly image?: Descriptor;
  readonly rules: readonly RuleResult[];
  readonly policyDigest: Digest;
  /** RFC 3339: the moment that was judged for. */
  readonly at: string;
}

/** What a rule found. `value` is for the rules after it; what it is worth stands in the verdict. */
export interface Finding<T> {
  readonly reasons?: readonly Reason[];
  readonly evidence?: readonly Digest[];
  readonly value?: T;
  /** Instead of the rule's own sentence, where that would say more than was looked at. */
  readonly sentence?: string;
}

export interface Judged<T> {
  readonly result: RuleResult;
  readonly value: T | undefined;
}

/** Runs one rule; what it throws about content is its answer, never a crash of the whole verification. */
export async function judge<T>(
  rule: RuleName,
  subject: string,
  run: () => Promise<Finding<T>>,
): Promise<Judged<T>> {
  const found = await run().catch((error: unknown): Finding<T> => ({
    reasons: [reasonOf(error, subject, invalidCodes[rule])],
  }));
  return { result: resultOf(rule, found), value: found.value };
}

export function resultOf(
  rule: RuleName,
  { reasons = [], evidence = [], sentence = ruleSentences[rule] }: Finding<unknown>,
): RuleResult {
  const verdict = worst(reasons.map((reason) => reason.verdict));
  return { rule, verdict, sentence, reasons, evidence };
}

const consequence = 'not checked: ';

/** Whether a reason only says that another rule's answer came first. */
export const isConsequence = (detail: string): boolean => detail.startsWith(consequence);

/** A rule that another one's answer leaves without anything to look at. */
export const notChecked = (rule: RuleName, subject: string, why: string): RuleResult => ({
  rule,
  verdict: 'inconclusive',
  sentence: ruleSentences[rule],
  reasons: [{ code: 'UNREACHABLE', verdict: 'inconclusive', subject, detail: `${consequence}${why}` }],
  evidence: [],
});

/** What malformed content means to each rule. */
const invalidCodes: Readonly<Record<RuleName, Reason['code']>> = {
  'release-index': 'IDENTITY_MISMATCH',
  'index-signature': 'SIGNATURE_INVALID',
  listing: 'DIGEST_MISMATCH',
  'image-manifest': 'IDENTITY_MISMATCH',
  'image-signature': 'SIGNATURE_INVALID',
  sbom: 'ATTESTATION_INVALID',
  scan: 'ATTESTATION_INVALID',
  findings: 'ATTESTATION_INVALID',
  provenance: 'ATTESTATION_INVALID',
  'image-policy': 'IDENTITY_MISMATCH',
  approvals: 'ATTESTATION_INVALID',
  rollback: 'ROLLBACK',
};
