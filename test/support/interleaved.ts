import type fc from 'fast-check';

/**
 * A port whose every call begins, and whose every answer arrives, when the scheduler says so: two runs that share a world then
 * meet in any order of their requests. What a call returns at once (a repository of a registry) is wrapped, too.
 */
export function interleaved<T extends object>(scheduler: fc.Scheduler, who: string, port: T): T {
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function' || typeof key === 'symbol') return member;
      if (key === 'repository')
        return (...asked: unknown[]): unknown =>
          interleaved(scheduler, who, Reflect.apply(member, target, asked) as object);
      return async (...asked: unknown[]): Promise<unknown> => {
        const label = `${who} ${key}`;
        await scheduler.schedule(Promise.resolve(), label);
        const answer: unknown = await Reflect.apply(member, target, asked);
        await scheduler.schedule(Promise.resolve(), `${label}, answered`);
        return answer;
      };
    },
  });
}
