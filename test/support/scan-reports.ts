import fc from 'fast-check';
import { sha256 } from '../../src/domain/sha256.ts';
import type { CoverageGap, Finding, ScanReport, Severity } from '../../src/domain/scan.ts';

export const now = new Date('2026-11-21T12:00:00Z');

export const finding = (changes: Partial<Finding> = {}): Finding => ({
  id: 'DSA-1-1',
  aliases: ['CVE-2026-1'],
  severity: 'high',
  score: 8.1,
  package: {
    name: 'libssl3',
    version: '3.0.1-1',
    purl: 'pkg:deb/debian/libssl3@3.0.1-1',
    source: { name: 'openssl', version: '3.0.1-1' },
  },
  fixedVersions: ['3.0.2-1'],
  ...changes,
});

export const gap: CoverageGap = { code: 'NO_DATABASE', subject: 'Debian:12', detail: 'no advisories' };

/** A fresh and complete scan with these findings. */
export const report = (changes: Partial<ScanReport> = {}): ScanReport => ({
  image: sha256('image'),
  scanner: { name: 'test', version: '1', uri: 'test:' },
  database: { digest: sha256('database'), newest: '2026-11-20T00:00:00Z', ecosystems: ['Debian:12'] },
  startedAt: '2026-11-21T10:00:00Z',
  finishedAt: '2026-11-21T10:00:01Z',
  findings: [],
  coverage: { components: 10, ecosystems: ['Debian:12'], gaps: [] },
  ...changes,
});

const severities: readonly Severity[] = ['none', 'low', 'medium', 'high', 'critical', 'unknown'];

export const anyFinding: fc.Arbitrary<Finding> = fc
  .record({
    id: fc.constantFrom('A-1', 'A-2', 'A-3'),
    severity: fc.constantFrom(...severities),
    name: fc.constantFrom('libssl3', 'numpy', 'tar'),
    fixed: fc.boolean(),
  })
  .map(({ id, severity, name, fixed }) =>
    finding({
      id,
      aliases: [`CVE-${id}`],
      severity,
      package: { name, version: '1', purl: `pkg:generic/${name}@1` },
      fixedVersions: fixed ? ['2'] : [],
    }),
  );

export const anyReport: fc.Arbitrary<ScanReport> = fc
  .record({
    findings: fc.array(anyFinding, { maxLength: 5 }),
    gaps: fc.array(fc.constant(gap), { maxLength: 1 }),
    ageHours: fc.integer({ min: 0, max: 24 * 30 }),
  })
  .map(({ findings, gaps, ageHours }) =>
    report({
      findings,
      finishedAt: new Date(now.getTime() - ageHours * 3_600_000).toISOString(),
      coverage: { components: 3, ecosystems: ['Debian:12'], gaps },
    }),
  );
