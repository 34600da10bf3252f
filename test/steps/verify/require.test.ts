import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { notChecked, ruleSentences } from '../../../src/steps/verify/report.ts';
import type { RuleName, RuleResult, Verification } from '../../../src/steps/verify/report.ts';
import { requireAllowed } from '../../../src/steps/verify/require.ts';

const open = (rule: RuleName, detail: string): RuleResult => ({
  rule,
  verdict: 'inconclusive',
  sentence: ruleSentences[rule],
  reasons: [{ code: 'UNREACHABLE', verdict: 'inconclusive', subject: 'ml/churn@sha256:1', detail }],
  evidence: [],
});

const report = (...rules: RuleResult[]): Verification => ({
  verdict: 'inconclusive',
  subject: 'contososec.azurecr.io/ml/churn@sha256:1',
  rules,
  policyDigest: sha256('policy'),
  at: '2026-11-21T00:00:00.000Z',
});

test('what was not checked because of another answer is left out', (t) => {
  const error = t.throws(
    () => {
      requireAllowed(
        report(
          open('release-index', 'the release index is not there'),
          notChecked('sbom', 'sha256:1', 'the release index could not be read'),
          notChecked('scan', 'sha256:1', 'the release index could not be read'),
        ),
      );
    },
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /the release index is not there/);
  t.notRegex(error.message, /not checked/);
  t.true(error.nextSteps.some((step) => step.includes('amlpromote import')));
});

test('where there is nothing else to say, it is said', (t) => {
  const error = t.throws(
    () => {
      requireAllowed(report(notChecked('sbom', 'sha256:1', 'the image could not be read')));
    },
    { instanceOf: AmlpromoteError },
  );
  t.regex(error.message, /not checked: the image could not be read/);
  t.deepEqual(
    error.reasons.map(({ code, subject }) => `${code} ${subject}`),
    ['UNREACHABLE sbom: sha256:1'],
  );
});
