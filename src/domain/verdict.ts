/**
 * Three answers, never two. `refused` = a definite no (exit 10); `inconclusive` = could not be checked (exit 20).
 */
export type Verdict = 'allowed' | 'refused' | 'inconclusive';

export type ReasonCode =
  | 'SEVERITY'
  | 'EXCEPTION_EXPIRED'
  | 'UNKNOWN_COVERAGE'
  | 'UNSCORED_SEVERITY'
  | 'STALE_DATABASE'
  | 'STALE_SCAN'
  | 'SCAN_MISSING'
  | 'PLATFORM'
  | 'IMAGE_SIZE'
  | 'BASE_NOT_ALLOWED'
  | 'BASE_UNKNOWN'
  | 'BASE_UNPROVEN'
  | 'BASE_CLAIMED'
  | 'ARGS_NOT_PUBLIC'
  | 'ARGS_UNKNOWN'
  | 'RUNS_AS_ROOT'
  | 'APPROVALS_MISSING'
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_INVALID'
  | 'SIGNER_UNTRUSTED'
  | 'CERTIFICATE_EXPIRED'
  | 'ATTESTATION_MISSING'
  | 'ATTESTATION_INVALID'
  | 'LISTED_MISSING'
  | 'DIGEST_MISMATCH'
  | 'IDENTITY_MISMATCH'
  | 'ROLLBACK'
  | 'COUNTER_TAKEN'
  | 'CONTRADICTION'
  | 'UNREACHABLE';

/** Why a rule said what it said. `verdict` is what this reason alone leads to; an exception that applied is `allowed`. */
export interface Reason {
  readonly code: ReasonCode;
  readonly verdict: Verdict;
  /** What it is about: an advisory id with its package, a digest, a rule. */
  readonly subject: string;
  readonly detail: string;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
}

/** A definite refusal always wins, then "could not check". */
export function worst(verdicts: Iterable<Verdict>): Verdict {
  let result: Verdict = 'allowed';
  for (const verdict of verdicts) {
    if (verdict === 'refused') return 'refused';
    if (verdict === 'inconclusive') result = 'inconclusive';
  }
  return result;
}

export const decide = (reasons: readonly Reason[]): Decision => ({
  verdict: worst(reasons.map((reason) => reason.verdict)),
  reasons,
});
