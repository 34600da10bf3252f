import path from 'node:path';
import test from 'ava';
import type { ScanReport } from '../../src/domain/scan.ts';
import type { ReasonCode } from '../../src/domain/verdict.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import { adviceFor } from '../../src/policy/advice.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import { defaultRules } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { finding, gap, now, report } from '../support/scan-reports.ts';

const advice = (scanned: ScanReport, changes: Partial<PolicyRules['scan']> = {}): readonly string[] =>
  adviceFor(evaluateScan(scanned, { scan: { ...defaultRules.scan, ...changes } }, now).reasons, [scanned]);

test('a package with a fix: from which version to which, and what an exception would be', (t) => {
  t.deepEqual(advice(report({ findings: [finding(), finding()] })), [
    'Raise libssl3 3.0.1-1 to 3.0.2-1 (DSA-1-1), then build and scan again.',
    'Or the owner of the policy accepts it under scan.exceptions, an entry a line:',
    '- { id: "DSA-1-1", package: "libssl3", reason: "…", owner: "…", expires: 2026-12-21 }',
  ]);
});

test('the entries that are shown stand in a policy as they are, and accept what was refused', async (t) => {
  const other = { name: 'numpy', version: '1.0', purl: 'pkg:pypi/numpy@1.0' };
  for (const scanned of [
    report({ findings: [finding()] }),
    report({ findings: [finding({ severity: 'unknown' })] }),
    report({ findings: [finding(), finding({ id: 'GHSA-1', aliases: [], package: other })] }),
    report({ coverage: { components: 10, ecosystems: [], gaps: [gap] } }),
  ]) {
    const block = advice(scanned)
      .filter((step) => step.startsWith('- '))
      .join('\n    ');
    const text = `scan:\n  exceptions:\n    ${block}\n`;
    const directory = await temporaryDirectory(t, {
      'policy.yaml': `apiVersion: amlpromote/v1\nkind: Policy\n${text}`,
    });
    const { scan } = await loadPolicy(path.join(directory, 'policy.yaml'));
    t.is(evaluateScan(scanned, { scan }, now).verdict, 'allowed', text);
  }
});

test('a package without a fix is not to be raised', (t) => {
  const unfixed = report({ findings: [finding({ fixedVersions: [] })] });
  const [first] = advice(unfixed, { unfixed: 'fail' });
  t.is(first, 'Leave libssl3 3.0.1-1 out: no fix is known yet (DSA-1-1).');
});

test('many findings: a few, and where the rest is', (t) => {
  const findings = Array.from({ length: 30 }, (_, position) =>
    finding({ id: `DSA-${String(position)}-1`, fixedVersions: [`3.0.${String(position + 2)}-1`] }),
  );
  const steps = advice(report({ findings }));
  t.is(steps[5], 'And 25 more: amlpromote scan lists them all.');
  t.regex(steps[6] ?? '', /scan\.exceptions/);
  t.is(steps.length, 7 + 10);
});

test('what one version settles is one line', (t) => {
  const findings = Array.from({ length: 30 }, (_, position) => finding({ id: `DSA-${String(position)}-1` }));
  const [first, second] = advice(report({ findings }));
  t.is(
    first,
    'Raise libssl3 3.0.1-1 to 3.0.2-1 (DSA-0-1, DSA-1-1, DSA-2-1, DSA-3-1, DSA-4-1 and 25 more), then build and scan again.',
  );
  t.regex(second ?? '', /scan\.exceptions/);
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
    'Put the advisories of that ecosystem (<ECOSYSTEM>/all.zip of the public OSV export) where --database (AMLPROMOTE_DATABASE) points, then run again.',
    'Or the owner of the policy accepts it under scan.exceptions, an entry a line:',
    '- { gap: "NO_DATABASE", subject: "Debian:12", reason: "…", owner: "…", expires: 2026-12-21 }',
  ]);
});

test('what is accepted needs no advice; every other reason gets some', (t) => {
  t.deepEqual(adviceFor([{ code: 'RUNS_AS_ROOT', verdict: 'refused', subject: 'root', detail: 'x' }], []), [
    'Add a USER other than root to the Dockerfile.',
  ]);
  t.deepEqual(
    adviceFor([{ code: 'RUNS_AS_ROOT', verdict: 'allowed', subject: 'root', detail: 'x' }], []),
    [],
  );
});

test('no reason is answered with the advice for another', (t) => {
  const of = (code: ReasonCode): string =>
    adviceFor([{ code, verdict: 'refused', subject: 'x', detail: 'x' }], []).join();
  for (const [code, wanted, unwanted] of [
    ['STALE_DATABASE', /--database/, /base that|exception/],
    ['STALE_SCAN', /scan` again/, /--database|exception/],
    ['APPROVALS_MISSING', /approvals/, /scan|base/],
    ['CERTIFICATE_EXPIRED', /amlpromote init/, /exception/],
    ['SIGNER_UNTRUSTED', /trust\.signers/, /exception/],
    ['ROLLBACK', /next counter/, /exception/],
    ['UNREACHABLE', /amlpromote import/, /exception/],
    ['LISTED_MISSING', /retention/, /exception/],
    ['EXCEPTION_EXPIRED', /renew/, /--database/],
  ] as const) {
    t.regex(of(code), wanted, code);
    t.notRegex(of(code), unwanted, code);
  }
});

test('the name of a package is data in the block, not YAML', (t) => {
  const hostile = { name: 'x", id: "CVE-0', version: '1', purl: 'pkg:generic/x@1' };
  const block = advice(report({ findings: [finding({ package: hostile })] })).at(-1);
  t.true(block?.includes(String.raw`package: "x\", id: \"CVE-0"`));
});
