import type { StepName } from '../domain/events.ts';
import type { Verdict } from '../domain/verdict.ts';
import type { StepContext } from '../ports/step-context.ts';

/** What the `finished` event of a step says of its report. */
export interface StepOutcome {
  readonly already: boolean;
  readonly detail: string;
  /** Of a step that judges: `detail` begins with it. */
  readonly verdict?: Verdict;
}

/**
 * Runs a step between its two events. One that throws has not finished: whoever called it tells why.
 * @param subject what the events name, for people
 */
export async function step<T>(
  { progress }: Pick<StepContext, 'progress'>,
  name: StepName,
  subject: string,
  run: () => Promise<T>,
  outcomeOf: (report: T) => StepOutcome,
): Promise<T> {
  progress({ type: 'started', step: name, subject });
  const report = await run();
  progress({ type: 'finished', step: name, subject, ...outcomeOf(report) });
  return report;
}
