import type { Clock } from '../../src/ports/clock.ts';

/** Time that passes only by sleeping, and at once; `slept` lists the naps in milliseconds. */
export interface ManualClock extends Clock {
  readonly slept: readonly number[];
}

export function manualClock(start = '2026-05-04T10:00:00Z'): ManualClock {
  let now = Date.parse(start);
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(now),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      // Others get their turn, as they would in a real nap.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
