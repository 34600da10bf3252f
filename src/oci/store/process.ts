import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from '../../domain/sha256.ts';

/**
 * Names one process for good: a pid alone is given out again, and means nothing on another host or in another container
 * that shares the directory. `boot`, `namespace` and `started` are empty where the system does not tell.
 */
export interface ProcessIdentity {
  readonly host: string;
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  /** Clock ticks since boot at which it started. */
  readonly started: string;
}

let self: ProcessIdentity | undefined;

export function selfIdentity(): ProcessIdentity {
  self ??= {
    host: hostname(),
    boot: orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: startOf(process.pid) ?? '',
  };
  return self;
}

/** Short form for file names: who, on which host, since which boot, in which pid namespace. */
export const selfName = (): string => {
  const { host, boot, namespace, pid, started } = selfIdentity();
  return [short(host), short(boot), short(namespace), String(pid), started || '0'].join('-');
};

/** Of the process whose `selfName` a file's name begins with; `unknown` for every other name. */
export function stateOfName(file: string): 'alive' | 'gone' | 'unknown' {
  const [, host, boot, namespace, pid, started] =
    /^([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{8})-([1-9]\d{0,9})-(\d{1,20})\./.exec(file) ?? [];
  if (pid === undefined || started === undefined) return 'unknown';
  const here = selfIdentity();
  // What is not ours need not be known: any other text is as good.
  const like = (hash: string | undefined, own: string): string => (hash === short(own) ? own : `not ${own}`);
  return stateOf({
    host: like(host, here.host),
    boot: like(boot, here.boot),
    namespace: like(namespace, here.namespace),
    pid: Number(pid),
    started: started === '0' ? '' : started,
  });
}

const short = (text: string): string => sha256(text).slice('sha256:'.length, 'sha256:'.length + 8);

/** `gone` only when that is certain; a process on another host or in another pid namespace is `unknown`. */
export function stateOf(identity: ProcessIdentity): 'alive' | 'gone' | 'unknown' {
  const here = selfIdentity();
  if (identity.host === here.host && identity.boot !== here.boot) return 'gone';
  if (identity.boot !== here.boot || identity.namespace !== here.namespace) return 'unknown';
  if (here.boot === '' && identity.host !== here.host) return 'unknown';
  if (!exists(identity.pid)) return 'gone';
  const started = startOf(identity.pid);
  return started === undefined || identity.started === '' || started === identity.started ? 'alive' : 'gone';
}

/** @returns undefined when the value is not an identity. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, boot, namespace, pid, started } = value as Record<string, unknown>;
  if (typeof host !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string') return undefined;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1 || typeof started !== 'string') {
    return undefined;
  }
  return { host, boot, namespace, pid, started };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Field 22 of /proc/PID/stat; the command name (field 2) may contain blanks and parentheses. A zombie has gone. */
function startOf(pid: number): string | undefined {
  const stat = orEmpty(() => readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return 'zombie';
  return stat === '' ? undefined : fields[19];
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
