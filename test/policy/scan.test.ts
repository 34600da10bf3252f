import test from 'ava';
import type { ScanReport } from '../../src/domain/scan.ts';
import type { GapException, PolicyRules, ScanException } from '../../src/manifest/policy.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import { defaultRules } from '../support/manifest-samples.ts';
import { finding, gap, now, report } from '../support/scan-reports.ts';

const policy = (changes: Partial<PolicyRules['scan']> = {}): Pick<PolicyRules, 'scan'> => ({
  scan: { ...defaultRules.scan, ...changes },
});
const exception: ScanException = {
  id: 'CVE-2026-1',
  package: 'openssl',
  reason: 'not reachable',
  owner: 'jo@contoso.example',
  expires: '2026-12-31',
};
const findings = (...list: ScanReport['findings']): ScanReport => report({ findings: list });
const codes = (decision: ReturnType<typeof evaluateScan>): readonly string[] =>
  decision.reasons.map(({ code, verdict }) => `${code}:${verdict}`);

test('a fresh, complete scan without findings is allowed', (t) => {
  t.deepEqual(evaluateScan(report(), policy(), now), { verdict: 'allowed', reasons: [] });
});

for (const [severity, failOn, verdict] of [
  ['critical', 'high', 'refused'],
  ['high', 'high', 'refused'],
  ['medium', 'high', 'allowed'],
  ['medium', 'medium', 'refused'],
  ['low', 'medium', 'allowed'],
  ['none', 'low', 'allowed'],
  ['high', 'critical', 'allowed'],
] as const)
  test(`${severity} at failOn ${failOn} is ${verdict}`, (t) => {
    t.is(evaluateScan(findings(finding({ severity })), policy({ failOn }), now).verdict, verdict);
  });

test('a reason names the advisory, the package with its version, the score and the fix', (t) => {
  const [reason] = evaluateScan(findings(finding()), policy(), now).reasons;
  t.deepEqual(reason, {
    code: 'SEVERITY',
    verdict: 'refused',
    subject: 'DSA-1-1 in libssl3 3.0.1-1',
    detail: 'high (8.1); fixed in 3.0.2-1',
  });
});

test('without a fix: fail refuses, report names it, ignore leaves it out', (t) => {
  const unfixed = findings(finding({ severity: 'critical', fixedVersions: [] }));
  t.deepEqual(codes(evaluateScan(unfixed, policy({ unfixed: 'fail' }), now)), ['SEVERITY:refused']);
  t.deepEqual(codes(evaluateScan(unfixed, policy({ unfixed: 'report' }), now)), ['SEVERITY:allowed']);
  t.deepEqual(codes(evaluateScan(unfixed, policy({ unfixed: 'ignore' }), now)), []);
});

test('an unscored severity is neither clean nor high', (t) => {
  for (const fixedVersions of [['2'], []]) {
    const unscored = findings(finding({ severity: 'unknown', fixedVersions }));
    t.deepEqual(codes(evaluateScan(unscored, policy(), now)), ['UNSCORED_SEVERITY:inconclusive']);
    t.deepEqual(codes(evaluateScan(unscored, policy({ unknown: 'allow' }), now)), [
      'UNSCORED_SEVERITY:allowed',
    ]);
  }
});

test('threat 33: a gap in the coverage is inconclusive, unless the policy allows it', (t) => {
  const partial = report({ coverage: { components: 5, ecosystems: [], gaps: [gap] } });
  t.deepEqual(codes(evaluateScan(partial, policy(), now)), ['UNKNOWN_COVERAGE:inconclusive']);
  t.deepEqual(codes(evaluateScan(partial, policy({ unknown: 'allow' }), now)), ['UNKNOWN_COVERAGE:allowed']);
});

test('threat 33: an image in which no package was found was not scanned', (t) => {
  const empty = report({ coverage: { components: 0, ecosystems: [], gaps: [] } });
  t.deepEqual(codes(evaluateScan(empty, policy(), now)), ['UNKNOWN_COVERAGE:inconclusive']);
});

test('a definite refusal wins over everything that could not be checked', (t) => {
  const both = report({
    findings: [finding()],
    finishedAt: '2026-01-01T00:00:00Z',
    coverage: { components: 5, ecosystems: [], gaps: [gap] },
  });
  t.is(evaluateScan(both, policy(), now).verdict, 'refused');
});

for (const [title, id, name, applies] of [
  ['by alias and source package', 'CVE-2026-1', 'openssl', true],
  ['by id and package', 'DSA-1-1', 'libssl3', true],
  ['by alias in another case', 'cve-2026-1', 'openssl', true],
  ['by a package pattern', 'CVE-2026-1', 'libssl*', true],
  ['for any package', 'CVE-2026-1', undefined, true],
  ['another package', 'CVE-2026-1', 'gnutls', false],
  ['part of the package name', 'CVE-2026-1', 'libssl', false],
  ['another id', 'CVE-2026-11', 'openssl', false],
  ['part of the id', 'CVE-2026-', 'openssl', false],
] as const)
  test(`an exception ${applies ? 'applies' : 'does not apply'}: ${title}`, (t) => {
    const one: ScanException = { ...exception, id, ...(name === undefined ? {} : { package: name }) };
    if (name === undefined) delete one.package;
    const decision = evaluateScan(findings(finding()), policy({ exceptions: [one] }), now);
    t.deepEqual(codes(decision), [applies ? 'SEVERITY:allowed' : 'SEVERITY:refused']);
    if (applies)
      t.regex(
        decision.reasons[0]?.detail ?? '',
        /accepted until 2026-12-31 by jo@contoso.example: not reachable/,
      );
  });

test('an exception also covers a finding whose severity nobody scored', (t) => {
  const unscored = findings(finding({ severity: 'unknown' }));
  t.is(evaluateScan(unscored, policy({ exceptions: [exception] }), now).verdict, 'allowed');
});

test('an exception applies until the end of its last day, UTC; then it counts as absent and is named', (t) => {
  const rules = policy({ exceptions: [exception], maxAge: 86_400 * 365 });
  t.is(evaluateScan(findings(finding()), rules, new Date('2026-12-31T23:59:59.999Z')).verdict, 'allowed');
  const late = evaluateScan(findings(finding()), rules, new Date('2027-01-01T00:00:00Z'));
  t.deepEqual(codes(late), ['SEVERITY:refused', 'EXCEPTION_EXPIRED:refused']);
  t.regex(late.reasons[1]?.detail ?? '', /jo@contoso.example expired on 2026-12-31/);
});

test('a current exception beside an expired one applies', (t) => {
  const rules = policy({ exceptions: [{ ...exception, expires: '2026-01-01' }, exception] });
  t.deepEqual(codes(evaluateScan(findings(finding()), rules, now)), ['SEVERITY:allowed']);
});

test('threat 32: a stale scan and a stale database are inconclusive', (t) => {
  const old = report({ finishedAt: '2026-11-07T11:59:59Z' });
  t.deepEqual(codes(evaluateScan(old, policy(), now)), ['STALE_SCAN:inconclusive']);
  t.deepEqual(codes(evaluateScan(report({ finishedAt: '2026-11-07T12:00:00Z' }), policy(), now)), []);
  const { database } = report();
  const stale = report({ database: { ...database, newest: '2026-10-01T00:00:00Z' } });
  t.deepEqual(codes(evaluateScan(stale, policy({ unknown: 'allow' }), now)), ['STALE_DATABASE:inconclusive']);
  t.deepEqual(codes(evaluateScan(stale, policy({ databaseMaxAge: 86_400 * 100 }), now)), []);
});

test('threat 32: a database without a date is stale', (t) => {
  const database = { digest: report().database.digest, ecosystems: ['Debian:12'] };
  t.deepEqual(codes(evaluateScan(report({ database }), policy(), now)), ['STALE_DATABASE:inconclusive']);
});

test('threat 37: a scan from the future, or without a readable date, proves nothing', (t) => {
  t.is(evaluateScan(report({ finishedAt: '2026-11-21T12:04:00Z' }), policy(), now).verdict, 'allowed');
  for (const finishedAt of ['2026-11-21T12:06:00Z', 'yesterday'])
    t.deepEqual(codes(evaluateScan(report({ finishedAt }), policy(), now)), ['STALE_SCAN:inconclusive']);
});

const gapException: GapException = {
  gap: 'UNMATCHED_PACKAGE',
  subject: 'conda',
  reason: 'rebuilt weekly',
  owner: 'jo@contoso.example',
  expires: '2026-12-31',
};
const withGaps = (...gaps: ScanReport['coverage']['gaps']): ScanReport =>
  report({ coverage: { components: 3, ecosystems: ['PyPI'], gaps } });

test('a gap is accepted by its code and subject, with a name and a last day; everything else stays open', (t) => {
  const conda = { code: 'UNMATCHED_PACKAGE', subject: 'conda', detail: 'no advisories' } as const;
  const judged = evaluateScan(withGaps(conda), policy({ exceptions: [gapException] }), now);
  t.is(judged.verdict, 'allowed');
  t.is(
    judged.reasons[0]?.detail,
    'UNMATCHED_PACKAGE: no advisories; accepted until 2026-12-31 by jo@contoso.example: rebuilt weekly',
  );
  for (const other of [
    { ...conda, subject: 'npm' },
    { ...conda, code: 'NO_DATABASE' },
    { ...conda, code: 'UNREADABLE_LAYER' },
  ] as const)
    t.is(
      evaluateScan(withGaps(conda, other), policy({ exceptions: [gapException] }), now).verdict,
      'inconclusive',
    );
});

test('an exception for a gap that has expired counts as absent and is named', (t) => {
  const expired = { ...gapException, expires: '2026-01-31' };
  const conda = { code: 'UNMATCHED_PACKAGE', subject: 'conda', detail: 'no advisories' } as const;
  t.deepEqual(codes(evaluateScan(withGaps(conda), policy({ exceptions: [expired] }), now)), [
    'UNKNOWN_COVERAGE:inconclusive',
    'EXCEPTION_EXPIRED:inconclusive',
  ]);
});

test('what could not be read is accepted by its exact subject only', (t) => {
  const unread = { code: 'UNREADABLE_METADATA', subject: 'opt/a/METADATA', detail: 'cut off' } as const;
  const of = (subject: string): GapException => ({ ...gapException, gap: 'UNREADABLE_METADATA', subject });
  const verdict = (subject: string): string =>
    evaluateScan(withGaps(unread), policy({ exceptions: [of(subject)] }), now).verdict;
  t.is(verdict('opt/a/METADATA'), 'allowed');
  for (const subject of ['*', 'opt/a/*', 'opt/*/METADATA', 'opt/a/metadata'])
    t.is(verdict(subject), 'inconclusive');
});

test('an image in which nothing was found cannot be accepted as a gap', (t) => {
  const empty = report({ coverage: { components: 0, ecosystems: [], gaps: [] } });
  const all = { ...gapException, subject: '*' };
  t.is(evaluateScan(empty, policy({ exceptions: [all] }), now).verdict, 'inconclusive');
});
