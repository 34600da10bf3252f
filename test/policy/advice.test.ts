import test from 'ava';
import type { ScanReport } from '../../src/domain/scan.ts';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import { adviceFor } from '../../src/policy/advice.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import { defaultRules } from '../support/manifest-samples.ts';
import { finding, gap, now, report } from '../support/scan-reports.ts';

const advice = (scanned: ScanReport, changes: Partial<PolicyRules['scan']> = {}): readonly string[] =>
  adviceFor(evaluateScan(scanned, { scan: { ...defaultRules.scan, ...changes } }, now).reasons, [scanned]);

test('a package with a fix: from which version to which, and what an exception would be', (t) => {
  t.deepEqual(advice(report({ findings: [finding(), finding()] })), [
    'Raise libssl3 3.0.1-1 to 3.0.2-1 (DSA-1-1), then build and scan again.',
    'Or the owner of the policy accepts it under scan.exceptions: - { id: "DSA-1-1", package: "libssl3", reason: "…", owner: "…", expires: YYYY-MM-DD }',
  ]);
});

test('the exception that is shown is accepted when its blanks are filled in', async (t) => {
  const { parse } = await import('yaml');
  for (const findings of [[finding()], [finding({ severity: 'unknown' })]]) {
    const scanned = report({ findings });
    const block = advice(scanned).at(-1)?.split('scan.exceptions: - ').at(-1) ?? '';
    const exception = parse(block.replace('YYYY-MM-DD', '2027-01-31')) as {
      id: string;
      reason: string;
      owner: string;
      expires: string;
    };
    const scan = { ...defaultRules.scan, exceptions: [exception] };
    t.is(evaluateScan(scanned, { scan }, now).verdict, 'allowed');
  }
});

test('a package without a fix is not to be raised', (t) => {
  const unfixed = report({ findings: [finding({ fixedVersions: [] })] });
  const [first] = advice(unfixed, { unfixed: 'fail' });
  t.is(first, 'Leave libssl3 3.0.1-1 out: DSA-1-1 has no fix yet.');
});

test('many findings: a few, and where the rest is', (t) => {
  const findings = Array.from({ length: 30 }, (_, position) => finding({ id: `DSA-${String(position)}-1` }));
  const steps = advice(report({ findings }));
  t.is(steps.length, 7);
  t.is(steps[5], 'And 25 more: amlpromote scan lists them all.');
});

test('a stale database is refreshed: no package is blamed', (t) => {
  const database = { ...report().database, newest: '2025-01-01T00:00:00Z' };
  const steps = advice(report({ database }));
  t.is(steps.length, 1);
  t.regex(steps.join(''), /^Refresh the advisory database: .*--database/);
});

test('a gap: the exception for exactly that', (t) => {
  const coverage = { components: 10, ecosystems: [], gaps: [gap] };
  t.deepEqual(advice(report({ coverage })), [
    'Or the owner of the policy accepts it under scan.exceptions: - { gap: "NO_DATABASE", subject: "Debian:12", reason: "…", owner: "…", expires: YYYY-MM-DD }',
  ]);
});

test('what is accepted needs no advice; every other reason gets some', (t) => {
  t.deepEqual(adviceFor([{ code: 'RUNS_AS_ROOT', verdict: 'refused', subject: 'root', detail: 'x' }], []), [
    'Add a USER other than root to the Dockerfile.',
  ]);
  t.deepEqual(adviceFor([{ code: 'CONTRADICTION', verdict: 'refused', subject: 'x', detail: 'x' }], []), [
    'Repair what the reasons name, then run again.',
  ]);
});

test('the name of a package is data in the block, not YAML', (t) => {
  const hostile = { name: 'x", id: "CVE-0', version: '1', purl: 'pkg:generic/x@1' };
  const block = advice(report({ findings: [finding({ package: hostile })] })).at(-1);
  t.true(block?.includes(String.raw`package: "x\", id: \"CVE-0"`));
});
