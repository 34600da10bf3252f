import type { Progress } from '../domain/events.ts';
import type { Clock } from './clock.ts';

/** What every step gets beside its input and its ports: the time, who listens, and who may stop it. */
export interface StepContext {
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}
