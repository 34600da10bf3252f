import { AmlpromoteError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ScanReport } from '../../domain/scan.ts';
import type { Decision, Reason } from '../../domain/verdict.ts';
import { adviceFor } from '../../policy/advice.ts';
import { isConsequence } from './report.ts';
import type { RuleName, RuleResult, Verification } from './report.ts';

const shown = 5;

/**
 * Turns a verdict other than `allowed` into an error; its code is that of the first rule that decided.
 * @throws SIGNATURE_INVALID, LISTED_CONTENT_MISSING, INTEGRITY_MISMATCH, ROLLBACK, TAG_CONFLICT, POLICY_REFUSED for a definite no (10);
 * INCONCLUSIVE when something could not be checked (20)
 */
export function requireAllowed(report: Verification): void {
  if (report.verdict === 'allowed') return;
  const { deciding, reasons } = whyNot(report);
  const nextSteps = [...adviceOn(report), 'See each rule with `amlpromote verify`.'];
  if (report.verdict === 'refused') {
    throw new AmlpromoteError(refusalCode(deciding[0]), `${report.subject} is refused: ${summary(reasons)}`, {
      reasons,
      nextSteps: [
        ...nextSteps,
        'What was refused must be made anew outside, or the policy changed by its owner.',
      ],
    });
  }
  throw new AmlpromoteError('INCONCLUSIVE', `${report.subject} could not be verified: ${summary(reasons)}`, {
    reasons,
    nextSteps,
  });
}

/** What can be done about a verdict other than `allowed`, by its reasons. */
export function adviceOn(report: Verification): readonly string[] {
  if (report.verdict === 'allowed') return [];
  const scans = report.rules.flatMap((rule) => rule.scans ?? []);
  // The rule that stands before a subject for the message would hide what it is about.
  const reasons = whyNot(report).deciding.flatMap((rule) => rule.reasons);
  const roots = reasons.filter(({ verdict, detail }) => verdict === report.verdict && !isConsequence(detail));
  return adviceFor(roots.length > 0 ? roots : reasons, scans, new Date(report.at));
}

/** The rules that decided, and the reasons that explain it, each with the name of its rule. */
function whyNot(report: Verification): {
  readonly deciding: readonly RuleResult[];
  readonly reasons: readonly Reason[];
} {
  const deciding = report.rules.filter((rule) => rule.verdict === report.verdict);
  const all = deciding.flatMap(({ rule, reasons }) =>
    reasons
      .filter(({ verdict }) => verdict === report.verdict)
      .map((reason) => ({ ...reason, subject: `${rule}: ${reason.subject}` })),
  );
  // What was not checked because of another answer explains nothing.
  const roots = all.filter(({ detail }) => !isConsequence(detail));
  return { deciding, reasons: roots.length > 0 ? roots : all };
}

/**
 * The same for a single decision of a policy over scanned images; what can be done follows from the reasons.
 * @throws POLICY_REFUSED, INCONCLUSIVE
 */
export function requireDecision(
  { verdict, reasons }: Decision,
  subject: string,
  reports: readonly ScanReport[],
): void {
  if (verdict === 'allowed') return;
  const deciding = reasons.filter((reason) => reason.verdict === verdict);
  const why = summary(deciding);
  const details = { nextSteps: adviceFor(deciding, reports), reasons: deciding };
  if (verdict === 'refused')
    throw new AmlpromoteError('POLICY_REFUSED', `${subject} is refused: ${why}`, details);
  throw new AmlpromoteError('INCONCLUSIVE', `${subject} could not be judged: ${why}`, details);
}

function summary(reasons: readonly Reason[]): string {
  const lines = reasons.slice(0, shown).map(({ code, subject, detail }) => `${subject}: ${detail} (${code})`);
  return `${lines.join('; ')}${reasons.length > shown ? `; and ${reasons.length - shown} more` : ''}`;
}

const codesByRule: Partial<Record<RuleName, ErrorCode>> = {
  'release-index': 'INTEGRITY_MISMATCH',
  'index-signature': 'SIGNATURE_INVALID',
  'image-signature': 'SIGNATURE_INVALID',
  rollback: 'ROLLBACK',
};

function refusalCode(rule: RuleResult | undefined): ErrorCode {
  if (rule?.rule === 'rollback' && rule.reasons.some(({ code }) => code === 'COUNTER_TAKEN'))
    return 'TAG_CONFLICT';
  if (rule?.rule !== 'listing') return (rule && codesByRule[rule.rule]) ?? 'POLICY_REFUSED';
  const isMissing = rule.reasons.some(({ code }) => code === 'LISTED_MISSING');
  return isMissing ? 'LISTED_CONTENT_MISSING' : 'INTEGRITY_MISMATCH';
}
