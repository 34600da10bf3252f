import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';
import type { Limits } from './options.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds, signal) => delay(milliseconds, undefined, signal ? { signal } : {}),
};

/** `Retry-After` in milliseconds from now (RFC 9110 §10.2.3: seconds or an HTTP date), or undefined. */
export function retryAfterOf(headers: IncomingHttpHeaders, now: Date): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/**
 * The pause before try number `attempt` + 1 (1-based): the service's wish, else exponential with jitter. Undefined when the
 * service asks for more patience than we have.
 */
export function pauseBefore(
  attempt: number,
  retryAfter: number | undefined,
  limits: Limits,
  random: () => number,
): number | undefined {
  const backoff = Math.min(limits.pauseMax, limits.pause * 2 ** (attempt - 1)) * (0.5 + random() / 2);
  if (retryAfter === undefined) return backoff;
  if (retryAfter > limits.retryAfterMax) return undefined;
  // A little later than asked, and not all at once.
  return retryAfter + random() * limits.pause;
}
