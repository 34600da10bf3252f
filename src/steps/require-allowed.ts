import { AmlpromoteError } from '../domain/errors.ts';
import type { Reason, Verdict } from '../domain/verdict.ts';

const shown = 8;

/**
 * Turns a verdict into an error where a gate stands: a definite no is POLICY_REFUSED (10), "could not check" is INCONCLUSIVE
 * (20). The message names the reasons that led there, the refusing ones first.
 */
export function requireAllowed(
  judged: { readonly verdict: Verdict; readonly reasons: readonly Reason[] },
  what: string,
  nextSteps: readonly string[],
): void {
  if (judged.verdict === 'allowed') return;
  const decisive = judged.reasons.filter((reason) => reason.verdict === judged.verdict);
  const lines = decisive
    .slice(0, shown)
    .map((reason) => `\n  ${reason.code} ${reason.subject}: ${reason.detail}`);
  const more = decisive.length > shown ? `\n  and ${decisive.length - shown} more` : '';
  const refused = judged.verdict === 'refused';
  throw new AmlpromoteError(
    refused ? 'POLICY_REFUSED' : 'INCONCLUSIVE',
    `${what} ${refused ? 'is refused by the policy' : 'could not be judged'}:${lines.join('')}${more}`,
    { nextSteps },
  );
}
