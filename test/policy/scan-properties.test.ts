import test from 'ava';
import fc from 'fast-check';
import type { ScanReport } from '../../src/domain/scan.ts';
import type { Verdict } from '../../src/domain/verdict.ts';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import { defaultRules } from '../support/manifest-samples.ts';
import { anyFinding, anyReport, gap, now } from '../support/scan-reports.ts';

type Rules = PolicyRules['scan'];

const order: readonly Verdict[] = ['allowed', 'inconclusive', 'refused'];
const verdict = (report: ScanReport, scan: Rules, at = now): number =>
  order.indexOf(evaluateScan(report, { scan }, at).verdict);

const anyException = fc.record({
  id: fc.constantFrom('A-1', 'CVE-A-2', 'A-3'),
  package: fc.constantFrom('libssl3', 'numpy', '*'),
  reason: fc.constant('r'),
  owner: fc.constant('o'),
  expires: fc.constantFrom('2026-11-20', '2026-11-21', '2027-01-01'),
});

const anyRules: fc.Arbitrary<Rules> = fc.record({
  failOn: fc.constantFrom('low', 'medium', 'high', 'critical'),
  unfixed: fc.constantFrom('fail', 'report', 'ignore'),
  unknown: fc.constantFrom('inconclusive', 'allow'),
  maxAge: fc.constantFrom(86_400, defaultRules.scan.maxAge),
  exceptions: fc.array(anyException, { maxLength: 3 }),
});

function holds<Extra>(
  extra: fc.Arbitrary<Extra>,
  check: (report: ScanReport, rules: Rules, extra: Extra) => boolean,
): void {
  fc.assert(fc.property(anyReport, anyRules, extra, check), { numRuns: 300 });
}

test('one more finding never makes a verdict better', (t) => {
  holds(anyFinding, (report, rules, finding) => {
    const more = { ...report, findings: [...report.findings, finding] };
    return verdict(more, rules) >= verdict(report, rules);
  });
  t.pass();
});

test('one more gap never makes a verdict better', (t) => {
  holds(fc.constant(gap), (report, rules, one) => {
    const { coverage } = report;
    const more = { ...report, coverage: { ...coverage, gaps: [...coverage.gaps, one] } };
    return verdict(more, rules) >= verdict(report, rules);
  });
  t.pass();
});

test('one more exception never makes a verdict worse', (t) => {
  holds(anyException, (report, rules, exception) => {
    return (
      verdict(report, { ...rules, exceptions: [...rules.exceptions, exception] }) <= verdict(report, rules)
    );
  });
  t.pass();
});

test('time never makes a verdict better', (t) => {
  holds(fc.integer({ min: 0, max: 400 }), (report, rules, days) => {
    return verdict(report, rules, new Date(now.getTime() + days * 86_400_000)) >= verdict(report, rules);
  });
  t.pass();
});

test('a stricter policy never makes a verdict better', (t) => {
  holds(fc.constant(undefined), (report, rules) => {
    const strictest: Rules = {
      ...rules,
      failOn: 'low',
      unfixed: 'fail',
      unknown: 'inconclusive',
      maxAge: 1,
      exceptions: [],
    };
    const reported: Rules = { ...rules, unfixed: 'report' };
    const ignored: Rules = { ...rules, unfixed: 'ignore' };
    return (
      verdict(report, strictest) >= verdict(report, rules) &&
      verdict(report, reported) >= verdict(report, ignored)
    );
  });
  t.pass();
});

test('the order of findings and exceptions does not matter', (t) => {
  holds(fc.constant(undefined), (report, rules) => {
    const reversed = { ...report, findings: report.findings.toReversed() };
    return (
      verdict(reversed, { ...rules, exceptions: rules.exceptions.toReversed() }) === verdict(report, rules)
    );
  });
  t.pass();
});

test('the verdict is the worst of the reasons', (t) => {
  holds(fc.constant(undefined), (report, rules) => {
    const decision = evaluateScan(report, { scan: rules }, now);
    const worst = Math.max(0, ...decision.reasons.map((reason) => order.indexOf(reason.verdict)));
    return decision.verdict === order[worst];
  });
  t.pass();
});
