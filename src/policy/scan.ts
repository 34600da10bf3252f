import type { CoverageGap, Finding, ScanReport } from '../domain/scan.ts';
import type { Decision, Reason, Verdict } from '../domain/verdict.ts';
import { decide } from '../domain/verdict.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import { chooseException, chooseGapException } from './exceptions.ts';
import type { ExceptionChoice } from './exceptions.ts';
import { freshnessReasons } from './freshness.ts';
import { reachesGate } from './severity.ts';

/**
 * Findings × policy at a moment. Every finding that the gate looks at, every gap and everything stale is a reason, whatever
 * it leads to, so that a reader sees what was accepted as well. A definite refusal always wins, then "could not check".
 */
export function evaluateScan(report: ScanReport, policy: Pick<PolicyRules, 'scan'>, now: Date): Decision {
  return decide([
    ...report.findings.flatMap((finding) => findingReasons(finding, policy.scan, now)),
    ...coverageReasons(report, policy.scan, now),
    ...freshnessReasons(report, policy.scan, now),
  ]);
}

type ScanRules = PolicyRules['scan'];

function findingReasons(finding: Finding, rules: ScanRules, now: Date): readonly Reason[] {
  const gate = gateOf(finding, rules);
  if (!gate) return [];
  const subject = findingSubject(finding);
  const blocks = gate.verdict !== 'allowed';
  return excepted({ ...gate, subject }, blocks ? chooseException(finding, rules.exceptions, now) : {});
}

/** How the reasons of a finding name it. */
export const findingSubject = ({ id, package: { name, version } }: Finding): string =>
  `${id} in ${name} ${version}`;

export const gapDetail = ({ code, detail }: CoverageGap): string => `${code}: ${detail}`;

/** A reason, or its acceptance; an exception that has expired counts as absent and is named. */
function excepted(
  reason: Reason,
  {
    applies,
    expired,
  }: ExceptionChoice<{ readonly reason: string; readonly owner: string; readonly expires: string }>,
): readonly Reason[] {
  if (applies) {
    const { owner, expires } = applies;
    const detail = `${reason.detail}; accepted until ${expires} by ${owner}: ${applies.reason}`;
    return [{ ...reason, verdict: 'allowed', detail }];
  }
  if (!expired) return [reason];
  const detail = `the exception of ${expired.owner} expired on ${expired.expires} and counts as absent`;
  return [reason, { code: 'EXCEPTION_EXPIRED', verdict: reason.verdict, subject: reason.subject, detail }];
}

/** What the severity gate says about a finding, exceptions aside; undefined = not worth a word. */
function gateOf(finding: Finding, rules: ScanRules): Omit<Reason, 'subject'> | undefined {
  const unfixed = finding.fixedVersions.length === 0;
  if (unfixed && rules.unfixed === 'ignore') return undefined;
  const fix = unfixed ? 'no fix is known' : `fixed in ${finding.fixedVersions.join(', ')}`;
  if (finding.severity === 'unknown') {
    const detail = `its severity is unknown; ${fix}`;
    return { code: 'UNSCORED_SEVERITY', verdict: verdictOfUnknown(rules), detail };
  }
  if (!reachesGate(finding.severity, rules.failOn)) return undefined;
  const score = finding.score === undefined ? '' : ` (${String(finding.score)})`;
  const reported = unfixed && rules.unfixed === 'report';
  const note = reported ? '; the policy reports such findings without refusing' : '';
  const detail = `${finding.severity}${score}; ${fix}${note}`;
  return { code: 'SEVERITY', verdict: reported ? 'allowed' : 'refused', detail };
}

/** "Unknown is not clean": what could not be looked at or matched, and an image in which nothing was found to look at. */
function coverageReasons({ coverage }: ScanReport, rules: ScanRules, now: Date): readonly Reason[] {
  const verdict = verdictOfUnknown(rules);
  const blocks = verdict !== 'allowed';
  const gaps = coverage.gaps.flatMap((gap) =>
    excepted(
      { code: 'UNKNOWN_COVERAGE', verdict, subject: gap.subject, detail: gapDetail(gap) },
      blocks ? chooseGapException(gap, rules.exceptions, now) : {},
    ),
  );
  if (coverage.components > 0 || gaps.length > 0) return gaps;
  const detail = 'the scanner found no package at all, so it had nothing to match';
  return [{ code: 'UNKNOWN_COVERAGE', verdict, subject: 'inventory', detail }];
}

const verdictOfUnknown = (rules: ScanRules): Verdict =>
  rules.unknown === 'allow' ? 'allowed' : 'inconclusive';
