import type { CoverageGap, CoverageGapCode, Finding, ScanReport } from '../domain/scan.ts';
import type { Reason, ReasonCode } from '../domain/verdict.ts';
import { findingSubject, gapDetail } from './scan.ts';

/** Pieces of advice of one kind that are shown; the scan report has them all. */
const shown = 5;
/** An exception that is offered lasts so long; whoever signs it may choose another day. */
const exceptionDays = 30;

/**
 * What can be done about these reasons, one imperative sentence each, most particular first: which package to raise to
 * which version, what an exception would look like, how to make fresh what is stale. Every step that judges asks here, so a
 * reason has the same answer wherever it is met.
 * @param reports scans that the reasons came from; their findings and gaps are what is particular
 * @param now from when on a proposed exception counts; by default when the newest scan was made
 */
export function adviceFor(
  reasons: readonly Reason[],
  reports: readonly ScanReport[],
  now: Date = newest(reports),
): readonly string[] {
  const blocking = reasons.filter(({ verdict }) => verdict !== 'allowed');
  const findings = blockingFindings(blocking, reports);
  const gaps = blockingGaps(blocking, reports);
  const particular: readonly ReasonCode[] = [
    ...(findings.length > 0 ? (['SEVERITY', 'UNSCORED_SEVERITY'] as const) : []),
    ...(gaps.length > 0 ? (['UNKNOWN_COVERAGE'] as const) : []),
  ];
  const general = unique(
    blocking.map(({ code }) => code).filter((code) => !particular.includes(code)),
    (code) => code,
  ).map((code) => byCode[code]);
  return unique(
    [
      ...packageAdvice(findings),
      ...unique(gaps, ({ code }) => code).map(({ code }) => byGap[code]),
      ...general,
      ...exceptionAdvice(findings, gaps, now),
    ],
    (step) => step,
  );
}

const base = 'Build from a base that image.allowedBases of the policy allows, with `amlpromote build`.';
const madeAnew = 'sign and release the image again outside (amlpromote promote IMAGE.yaml --outside)';

const byCode: Readonly<Record<ReasonCode, string>> = {
  SEVERITY: 'Raise or remove the package that the reason names, then build and scan again.',
  UNSCORED_SEVERITY:
    'Find out how severe it is; raise or remove the package, or have the owner of the policy accept it.',
  EXCEPTION_EXPIRED:
    'Repair what the exception was about, or have the owner of the policy renew it with another reason and day.',
  UNKNOWN_COVERAGE: 'Give the scanner what it lacks, or take out of the image what it cannot read.',
  STALE_DATABASE:
    'Refresh the advisory database: put a newer OSV export (<ECOSYSTEM>/all.zip) where --database (AMLPROMOTE_DATABASE) points, then scan again; what is released gets the next release.',
  STALE_SCAN: 'Run `amlpromote scan` again; what is released needs a fresh scan and the next release.',
  SCAN_MISSING: 'Run `amlpromote scan` for every platform of the image, then sign.',
  PLATFORM: 'Build for a platform of image.platforms in the policy (build.platforms of the image manifest).',
  IMAGE_SIZE: 'Make the image smaller, or ask the owner of the policy to raise image.maxSize.',
  BASE_NOT_ALLOWED: base,
  BASE_UNKNOWN: base,
  BASE_UNPROVEN: base,
  BASE_CLAIMED: base,
  ARGS_NOT_PUBLIC: 'Name the arguments under source.build.publicArgs of the image manifest, or give none.',
  ARGS_UNKNOWN: 'Build with this version, which states the arguments in the provenance, and sign again.',
  RUNS_AS_ROOT: 'Add a USER other than root to the Dockerfile.',
  APPROVALS_MISSING: 'Get the approvals that approvals.required of the policy asks for.',
  SIGNATURE_MISSING: `If the image is yours, ${madeAnew}; else ask its maker to.`,
  SIGNATURE_INVALID: `Do not use what was changed: find out who changed it, then ${madeAnew}.`,
  SIGNER_UNTRUSTED:
    'Sign with a key that trust.signers of the policy names; or have its owner add the CA and subject of this one.',
  CERTIFICATE_EXPIRED: `Renew the release key (remove outside/key.pem and outside/cert.pem, run amlpromote init), then ${madeAnew}.`,
  ATTESTATION_MISSING: `To have SBOM, scan and provenance attested by a trusted key, ${madeAnew}.`,
  ATTESTATION_INVALID: `Do not use what was changed: find out who changed it, then ${madeAnew}.`,
  LISTED_MISSING: `It was deleted (retention does that) or never carried: run amlpromote import again, or ${madeAnew}.`,
  DIGEST_MISMATCH:
    'Content changed on its way or at its source: find out who changed it, and have it carried again.',
  IDENTITY_MISMATCH: 'Use the release.json and the image of one and the same release.',
  ROLLBACK: 'Release it again outside: it gets the next counter; or have the policy allow rollbacks.',
  COUNTER_TAKEN: 'Release it again outside: it gets the next counter.',
  CONTRADICTION: 'Find out with `amlpromote status` what was admitted, and who changed the repository.',
  UNREACHABLE:
    'Repair what could not be read, then run again. A release that is not there has not been imported yet (amlpromote import), or not been released.',
};

const byGap: Readonly<Record<CoverageGapCode, string>> = {
  UNKNOWN_DISTRIBUTION:
    'Build on a distribution that the scanner knows, or keep /etc/os-release in the image.',
  NO_DATABASE:
    'Put the advisories of that ecosystem (<ECOSYSTEM>/all.zip of the public OSV export) where --database (AMLPROMOTE_DATABASE) points, then run again.',
  UNPARSABLE_VERSION: 'Install the package in a released version, whose number can be compared.',
  UNREADABLE_LAYER: 'Build the image again: a layer that cannot be read cannot be scanned.',
  UNREADABLE_METADATA: 'Install the package again, so that what describes it is whole, or take it out.',
  UNMATCHED_PACKAGE: 'Install the package from a source that the advisories know, or take it out.',
};

function blockingFindings(reasons: readonly Reason[], reports: readonly ScanReport[]): readonly Finding[] {
  const subjects = new Set(
    reasons.flatMap(({ code, subject }) =>
      code === 'SEVERITY' || code === 'UNSCORED_SEVERITY' ? subject : [],
    ),
  );
  const all = reports.flatMap(({ findings }) => findings);
  return unique(
    all.filter((finding) => subjects.has(findingSubject(finding))),
    findingSubject,
  );
}

function blockingGaps(reasons: readonly Reason[], reports: readonly ScanReport[]): readonly CoverageGap[] {
  const keyOf = (gap: CoverageGap): string => `${gap.subject}\n${gapDetail(gap)}`;
  const told = new Set(
    reasons.flatMap(({ code, subject, detail }) =>
      code === 'UNKNOWN_COVERAGE' ? `${subject}\n${detail}` : [],
    ),
  );
  return unique(
    reports.flatMap(({ coverage }) => coverage.gaps).filter((gap) => told.has(keyOf(gap))),
    keyOf,
  );
}

/** One line for what one step repairs: all advisories of a package that the same version settles. */
function packageAdvice(findings: readonly Finding[]): readonly string[] {
  const keyOf = ({ package: { name, version }, fixedVersions }: Finding): string =>
    [name, version, ...fixedVersions].join('\n');
  const lines = [...grouped(findings, keyOf).values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { package: of, fixedVersions } = first;
    const ids = group.map(({ id }) => id);
    const rest = ids.length > shown ? ` and ${String(ids.length - shown)} more` : '';
    const which = `${ids.slice(0, shown).join(', ')}${rest}`;
    return fixedVersions.length > 0
      ? `Raise ${of.name} ${of.version} to ${fixedVersions.join(' or ')} (${which}), then build and scan again.`
      : `Leave ${of.name} ${of.version} out: no fix is known yet (${which}).`;
  });
  const more = lines.length - shown;
  return [
    ...lines.slice(0, shown),
    ...(more > 0 ? [`And ${String(more)} more: amlpromote scan lists them all.`] : []),
  ];
}

/** Entries to paste into a policy, each a step of its own: JSON strings are YAML strings, whatever a package calls itself. */
function exceptionAdvice(
  findings: readonly Finding[],
  gaps: readonly CoverageGap[],
  now: Date,
): readonly string[] {
  const expires = new Date(now.getTime() + exceptionDays * 86_400_000).toISOString().slice(0, 10);
  const entry = (about: Readonly<Record<string, string>>): string => {
    const fields = Object.entries(about).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    return `- { ${fields.join(', ')}, reason: "…", owner: "…", expires: ${expires} }`;
  };
  const entries = [
    ...findings.map(({ id, package: { name } }) => entry({ id, package: name })),
    ...gaps.map(({ code, subject }) => entry({ gap: code, subject })),
  ];
  if (entries.length === 0) return [];
  const some = unique(entries, (one) => one).slice(0, 2 * shown);
  return ['Or the owner of the policy accepts it under scan.exceptions, an entry a line:', ...some];
}

/** Of no report: a moment that nothing is proposed for. */
const newest = (reports: readonly ScanReport[]): Date =>
  new Date(Math.max(0, ...reports.map(({ finishedAt }) => Date.parse(finishedAt)).filter(Number.isFinite)));

function unique<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  return [...grouped(items, keyOf).values()].flatMap(([first]) => (first === undefined ? [] : [first]));
}

/** In the order of the first of each. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
