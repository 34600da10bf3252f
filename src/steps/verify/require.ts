import { AmlpromoteError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { RuleName, RuleResult, Verification } from './report.ts';

/** A verdict other than `allowed` as an error; its code is that of the first rule that decided. */
export function refusalOf(report: Verification): AmlpromoteError {
  const deciding = report.rules.filter((rule) => rule.verdict === report.verdict);
  const [first] = deciding;
  const reasons = deciding.flatMap(({ rule, verdict, reasons: all }) =>
    all
      .filter((reason) => reason.verdict === verdict)
      .map(({ code, subject, detail }) => `${rule}: ${code} ${subject}: ${detail}`),
  );
  const shown = reasons.slice(0, 5).join('; ');
  const more = reasons.length > 5 ? `; and ${reasons.length - 5} more` : '';
  const isRefused = report.verdict === 'refused';
  return new AmlpromoteError(
    isRefused ? refusalCode(first) : 'INCONCLUSIVE',
    `${report.subject} ${isRefused ? 'is refused' : 'could not be verified'}: ${shown}${more}`,
    {
      nextSteps: [
        isRefused
          ? 'See each rule with `amlpromote verify`; what was refused must be made anew outside, or the policy changed by its owner.'
          : 'See each rule with `amlpromote verify`; repair what could not be read or judged, then run again.',
      ],
    },
  );
}

const codesByRule: Partial<Record<RuleName, ErrorCode>> = {
  'release-index': 'INTEGRITY_MISMATCH',
  'index-signature': 'SIGNATURE_INVALID',
  'image-signature': 'SIGNATURE_INVALID',
  rollback: 'ROLLBACK',
};

function refusalCode(rule: RuleResult | undefined): ErrorCode {
  if (rule?.rule !== 'listing') return (rule && codesByRule[rule.rule]) ?? 'POLICY_REFUSED';
  const isMissing = rule.reasons.some(({ code }) => code === 'LISTED_MISSING');
  return isMissing ? 'LISTED_CONTENT_MISSING' : 'INTEGRITY_MISMATCH';
}
