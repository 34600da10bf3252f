import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal ? { signal } : {}).catch((cause: unknown) => {
      // An abort carries its own reason (INTERRUPTED, TIMEOUT): that is what the caller wants to hear of.
      if (signal?.aborted) throw signal.reason;
      throw cause;
    });
  },
};
