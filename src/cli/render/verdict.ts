import type { Verdict } from '../../domain/verdict.ts';
import { clean, table } from '../text.ts';

/** The exit code of a verdict: the same three answers. */
export const exitCodeOf = (verdict: Verdict): 0 | 10 | 20 =>
  verdict === 'allowed' ? 0 : verdict === 'refused' ? 10 : 20;

const words: Readonly<Record<Verdict, string>> = {
  allowed: 'allowed',
  refused: 'REFUSED',
  inconclusive: 'could not check',
};

export const verdictWord = (verdict: Verdict): string => words[verdict];

interface ShownReason {
  readonly code: string;
  readonly verdict: Verdict;
  readonly subject: string;
  readonly detail: string;
}

/** Refusals first; text from outside is made safe. `known`: what the reader knows to be the subject. */
export function renderReasons(reasons: readonly ShownReason[], known: readonly string[] = []): string {
  const order: readonly Verdict[] = ['refused', 'inconclusive', 'allowed'];
  return table(
    [...reasons]
      .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
      .map((reason) => [
        `  ${verdictWord(reason.verdict)}`,
        reason.code,
        known.includes(reason.subject)
          ? clean(reason.detail)
          : `${clean(reason.subject)}: ${clean(reason.detail)}`,
      ]),
  );
}
