import test from 'ava';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import { evaluateApprovals } from '../../src/policy/approvals.ts';

const policy = (required: number, notBuilder = true): Pick<PolicyRules, 'approvals'> => ({
  approvals: {
    required,
    notBuilder,
    approvers: [
      { name: 'ann', certificate: '/ann.pem' },
      { name: 'bob', certificate: '/bob.pem' },
    ],
  },
});

for (const [title, approvers, builder, rules, verdict] of [
  ['none needed', [], undefined, policy(0), 'allowed'],
  ['one of one', ['ann'], undefined, policy(1), 'allowed'],
  ['none of one', [], undefined, policy(1), 'refused'],
  ['the same twice', ['ann', 'ann'], undefined, policy(2), 'refused'],
  ['two of two', ['ann', 'bob'], undefined, policy(2), 'allowed'],
  ['a stranger', ['eve'], undefined, policy(1), 'refused'],
  ['the builder', ['ann'], 'ann', policy(1), 'refused'],
  ['the builder, where the policy lets them', ['ann'], 'ann', policy(1, false), 'allowed'],
] as const)
  test(`approvals: ${title} is ${verdict}`, (t) => {
    const facts = { approvers, ...(builder === undefined ? {} : { builder }) };
    t.is(evaluateApprovals(facts, rules).verdict, verdict);
  });
