/** Thrown by a run that was killed: no code of the product knows it, as nothing knows of kill -9. */
export class Killed extends Error {
  constructor() {
    super('killed');
    this.name = 'Killed';
  }
}

/** The life of one run of the tool. Once it is dead, no call through its ports reaches anything. */
export interface Life {
  readonly alive: boolean;
  /** Every write that was done, as `port.method what`. */
  readonly writes: readonly string[];
  die(): never;
  /** Waited for before each write; may throw. */
  onWrite(hook: (write: string) => void | Promise<void>): void;
  /** The port as this run has it. */
  port<T extends object>(name: string, port: T): T;
}

const writing = new Set([
  'pushBlob',
  'pushManifest',
  'addBlob',
  'carry',
  'lockManifest',
  'unlockManifest',
  'lockTag',
  'remove',
  'create',
  'submit',
  'save',
  'upload',
]);

/** @param killAfter dies right after this many writes were done */
export function mortalLife({ killAfter = Infinity }: { readonly killAfter?: number } = {}): Life {
  const writes: string[] = [];
  const hooks: ((write: string) => void | Promise<void>)[] = [];
  let alive = true;
  const die = (): never => {
    alive = false;
    throw new Killed();
  };
  const mustLive = (): void => {
    if (!alive) throw new Killed();
  };
  const write = async (label: string, call: () => unknown): Promise<unknown> => {
    for (const hook of hooks) await hook(label);
    mustLive();
    const value = await call();
    mustLive();
    writes.push(label);
    return writes.length >= killAfter ? die() : value;
  };
  const wrap = <T extends object>(name: string, port: T): T =>
    new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return isPort(value) ? wrap(name, value) : value;
        return (...args: readonly unknown[]): unknown => {
          mustLive();
          const call = (): unknown => Reflect.apply(value, target, args);
          if (typeof key === 'string' && writing.has(key))
            return write(`${name}.${key} ${whatOf(target, args)}`, call);
          const result = call();
          return isPort(result) ? wrap(name, result) : result;
        };
      },
    });
  return {
    get alive() {
      return alive;
    },
    writes,
    die,
    onWrite: (hook) => void hooks.push(hook),
    port: wrap,
  };
}

const isPort = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).some((member) => typeof member === 'function');

/** Repository and tag or digest, as far as the arguments tell. */
function whatOf(target: object, args: readonly unknown[]): string {
  const own = 'name' in target && typeof target.name === 'string' ? [target.name] : [];
  const told = args.flatMap((arg) => {
    if (typeof arg === 'string') return [arg];
    if (typeof arg !== 'object' || arg === null) return [];
    const { digest, descriptor } = arg as { digest?: unknown; descriptor?: { digest?: unknown } };
    return [digest, descriptor?.digest].filter((one) => typeof one === 'string');
  });
  return [...own, ...told.reverse()].join(' ');
}
