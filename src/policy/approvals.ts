import type { Decision } from '../domain/verdict.ts';
import { decide } from '../domain/verdict.ts';
import type { PolicyRules } from '../manifest/policy.ts';

/** Names of the policy's approvers whose valid approval was found, and the signer of the provenance if it is known. */
export interface ApprovalFacts {
  readonly approvers: readonly string[];
  readonly builder?: string;
}

/** Each approver counts once; the builder not at all where the policy says so; a name that the policy does not list never. */
export function evaluateApprovals(facts: ApprovalFacts, policy: Pick<PolicyRules, 'approvals'>): Decision {
  const { required, approvers, notBuilder } = policy.approvals;
  const listed = new Set(approvers.map(({ name }) => name));
  const counted = new Set(
    facts.approvers.filter((name) => listed.has(name) && !(notBuilder && name === facts.builder)),
  );
  if (counted.size >= required) return decide([]);
  return decide([
    {
      code: 'APPROVALS_MISSING',
      verdict: 'refused',
      subject: 'approvals',
      detail: `${String(counted.size)} of ${String(required)} required approvals`,
    },
  ]);
}
