import type { CoverageGap, Finding, ScanReport } from '../domain/scan.ts';
import type { Reason, ReasonCode } from '../domain/verdict.ts';
import { findingSubject, gapDetail } from './scan.ts';

/** Pieces of advice of one kind that are shown; the scan report has them all. */
const shown = 5;

/**
 * What can be done about these reasons, one imperative sentence each, most particular first: which package to raise to
 * which version, what an exception would look like, how to make fresh what is stale.
 */
export function adviceFor(reasons: readonly Reason[], reports: readonly ScanReport[]): readonly string[] {
  const blocking = reasons.filter(({ verdict }) => verdict !== 'allowed');
  const steps = [...packageAdvice(blocking, reports), ...gapAdvice(blocking, reports)];
  for (const [codes, step] of byCode) if (blocking.some(({ code }) => codes.includes(code))) steps.push(step);
  return steps.length > 0 ? steps : ['Repair what the reasons name, then run again.'];
}

const byCode: readonly (readonly [readonly ReasonCode[], string])[] = [
  [
    ['STALE_DATABASE'],
    'Refresh the advisory database: put a newer OSV export where --database (AMLPROMOTE_DATABASE) points, then run again.',
  ],
  [['STALE_SCAN'], 'Run `amlpromote scan` again.'],
  [
    ['PLATFORM'],
    'Build for a platform of image.platforms in the policy (build.platforms of the image manifest).',
  ],
  [['IMAGE_SIZE'], 'Make the image smaller, or ask the owner of the policy to raise image.maxSize.'],
  [['RUNS_AS_ROOT'], 'Add a USER other than root to the Dockerfile.'],
  [
    ['BASE_NOT_ALLOWED', 'BASE_UNKNOWN', 'BASE_UNPROVEN', 'BASE_CLAIMED'],
    'Build from a base that image.allowedBases of the policy allows, with `amlpromote build`.',
  ],
];

function packageAdvice(reasons: readonly Reason[], reports: readonly ScanReport[]): readonly string[] {
  const subjects = new Set(
    reasons.flatMap(({ code, subject }) =>
      code === 'SEVERITY' || code === 'UNSCORED_SEVERITY' ? subject : [],
    ),
  );
  const findings = unique(
    reports.flatMap((report) => report.findings).filter((finding) => subjects.has(findingSubject(finding))),
    findingSubject,
  );
  const [example] = findings;
  if (!example) return [];
  const raise = findings.filter(({ fixedVersions }) => fixedVersions.length > 0);
  const unfixed = findings.filter(({ fixedVersions }) => fixedVersions.length === 0);
  return [
    ...some(
      raise,
      ({ package: { name, version }, fixedVersions, id }) =>
        `Raise ${name} ${version} to ${fixedVersions.join(' or ')} (${id}), then build and scan again.`,
    ),
    ...some(
      unfixed,
      ({ package: { name, version }, id }) => `Leave ${name} ${version} out: ${id} has no fix yet.`,
    ),
    exceptionStep({ id: example.id, package: example.package.name }),
  ];
}

function gapAdvice(reasons: readonly Reason[], reports: readonly ScanReport[]): readonly string[] {
  const told = new Set(
    reasons.flatMap(({ code, subject, detail }) =>
      code === 'UNKNOWN_COVERAGE' ? `${subject}\n${detail}` : [],
    ),
  );
  const keyOf = (gap: CoverageGap): string => `${gap.subject}\n${gapDetail(gap)}`;
  const [gap] = reports.flatMap(({ coverage }) => coverage.gaps).filter((one) => told.has(keyOf(one)));
  return gap ? [exceptionStep({ gap: gap.code, subject: gap.subject })] : [];
}

/** A block to paste; JSON strings are YAML strings, whatever a package calls itself. */
function exceptionStep(about: Readonly<Record<string, string>>): string {
  const fields = Object.entries(about).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `Or the owner of the policy accepts it under scan.exceptions: - { ${fields.join(', ')}, reason: "…", owner: "…", expires: YYYY-MM-DD }`;
}

function some<T>(items: readonly T[], advice: (item: T) => string): readonly string[] {
  const more = items.length - shown;
  return [
    ...items.slice(0, shown).map((item) => advice(item)),
    ...(more > 0 ? [`And ${String(more)} more: amlpromote scan lists them all.`] : []),
  ];
}

const unique = (findings: readonly Finding[], keyOf: (finding: Finding) => string): readonly Finding[] => [
  ...new Map(findings.map((finding) => [keyOf(finding), finding])).values(),
];
