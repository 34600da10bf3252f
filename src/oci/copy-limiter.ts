/** Runs `task` when its turn comes. */
export type Limiter = <T>(weight: number, task: () => Promise<T>) => Promise<T>;

/**
 * At most `slots` tasks at a time; among those that wait, the one with the largest `weight` goes first, so that blobs of
 * several manifests share the slots well.
 */
export function createLimiter(slots: number): Limiter {
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];
  let running = 0;
  const next = (): void => {
    if (running >= slots) return;
    let best = 0;
    waiting.forEach((candidate, index) => {
      if (candidate.weight > (waiting[best]?.weight ?? 0)) best = index;
    });
    const [chosen] = waiting.splice(best, 1);
    if (!chosen) return;
    running += 1;
    chosen.start();
  };
  return async (weight, task) => {
    await new Promise<void>((resolve) => {
      waiting.push({ weight, start: resolve });
      // Everything that is asked for in one go takes part in the choice.
      queueMicrotask(next);
    });
    try {
      return await task();
    } finally {
      running -= 1;
      next();
    }
  };
}
