import type { Verdict } from '../../domain/verdict.ts';
import type { VerificationReport } from '../../steps/verify.ts';
import { adviceOn } from '../../steps/verify/require.ts';
import { renderNextSteps } from '../error.ts';
import type { VerifyOutput } from '../outputs.ts';
import { clean } from '../text.ts';
import { renderReasons, verdictWord } from './verdict.ts';

export { exitCodeOf } from './verdict.ts';

export const verifyDocument = (report: VerificationReport): VerifyOutput => ({
  verdict: report.verdict,
  subject: report.subject,
  policyDigest: report.policyDigest,
  ...(report.verdict === 'allowed' ? {} : { nextSteps: [...adviceOn(report)] }),
  rules: report.rules.map((rule) => ({
    rule: rule.rule,
    verdict: rule.verdict,
    summary: rule.sentence,
    reasons: [...rule.reasons],
    evidence: [...rule.evidence],
  })),
});

const marks: Readonly<Record<Verdict, string>> = { allowed: 'yes', refused: 'NO ', inconclusive: '?  ' };

export function renderVerification(document: VerifyOutput): string {
  const known = [document.subject, document.subject.split('@').at(-1) ?? ''];
  const rules = document.rules.flatMap((rule) => {
    const lines = [`${marks[rule.verdict]}  ${rule.rule.padEnd(17)}${rule.summary}`];
    if (rule.reasons.length > 0) lines.push(renderReasons(rule.reasons, known));
    return lines;
  });
  return [
    clean(document.subject),
    ...rules,
    `verdict: ${verdictWord(document.verdict)}, under policy ${document.policyDigest}`,
    ...renderNextSteps(document.nextSteps ?? []),
  ].join('\n');
}
