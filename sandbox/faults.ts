import { statSync } from 'node:fs';
import { isMissing, readJson } from './store/files.ts';
import type { SandboxRequest } from './http.ts';

/** What goes wrong. The first group happens to the HTTP exchange, the second inside the service. */
export type FaultAction =
  /** Answered instead of the service, e.g. 429 with `{"retry-after": "1"}`. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: object;
    }
  /** The connection is cut before anything is answered. */
  | { readonly kind: 'reset' }
  /** 401 as for an access token past its time. */
  | { readonly kind: 'expired-token' }
  /** The body ends after so many bytes and the connection is cut; `content-length` still promises all. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** One byte in the middle of the body is another; headers and length stay. */
  | { readonly kind: 'corrupt' }
  /** Another `docker-content-digest` than the content has. */
  | { readonly kind: 'wrong-digest' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** A long-running operation ends as failed. */
  | { readonly kind: 'fail-operation'; readonly code?: string; readonly message: string }
  /** A long-running operation never ends. */
  | { readonly kind: 'endless-operation' }
  /** importImage copies an index without the children that are not images. */
  | { readonly kind: 'drop-children' }
  /** importImage leaves out this digest. */
  | { readonly kind: 'drop-digest'; readonly digest: string };

export interface Fault {
  /** Regular expressions, unanchored; absent fits everything. `path` sees the percent-decoded path. */
  readonly host?: string;
  readonly method?: string;
  readonly path?: string;
  readonly vantage?: SandboxRequest['vantage'];
  /** So many matching requests pass before; default 0. */
  readonly skip?: number;
  /** How often it happens; default: always. */
  readonly count?: number;
  readonly action: FaultAction;
}

export type FaultKind = FaultAction['kind'];
type ActionOf<K extends FaultKind> = Extract<FaultAction, { kind: K }>;

export interface Faults {
  /** Adds one for this process; the function returned takes it away. */
  add(fault: Fault): () => void;
  clear(): void;
  /** The first fault of these kinds that fits this request, and counts it as happened. */
  take<K extends FaultKind>(request: SandboxRequest, ...kinds: K[]): ActionOf<K> | undefined;
  /** Every one that fits. */
  takeAll<K extends FaultKind>(request: SandboxRequest, ...kinds: K[]): ActionOf<K>[];
}

interface Armed {
  readonly fault: Fault;
  seen: number;
}

/** Faults from `faults.json` (re-read when it changes, counters then start again) and those added by program. */
export function openFaults(path: string): Faults {
  let stamp: string | undefined;
  let fromFile: Armed[] = [];
  const added = new Set<Armed>();
  const reload = (): void => {
    const current = stampOf(path);
    if (current === stamp) return;
    stamp = current;
    fromFile = ((readJson(path) ?? []) as readonly Fault[]).map((fault) => ({ fault, seen: 0 }));
  };
  function* matching<K extends FaultKind>(
    request: SandboxRequest,
    kinds: readonly K[],
  ): Generator<ActionOf<K>, undefined> {
    reload();
    for (const armed of [...added, ...fromFile]) {
      const { action, skip = 0, count = Infinity } = armed.fault;
      if (!isOf(action, kinds) || !fits(armed.fault, request)) continue;
      armed.seen += 1;
      if (armed.seen > skip && armed.seen <= skip + count) yield action;
    }
    return undefined;
  }
  return {
    add: (fault) => {
      const armed = { fault, seen: 0 };
      added.add(armed);
      return () => void added.delete(armed);
    },
    clear: () => {
      added.clear();
    },
    take: (request, ...kinds) => matching(request, kinds).next().value,
    takeAll: (request, ...kinds) => [...matching(request, kinds)],
  };
}

const isOf = <K extends FaultKind>(action: FaultAction, kinds: readonly K[]): action is ActionOf<K> =>
  (kinds as readonly FaultKind[]).includes(action.kind);

const fits = (fault: Fault, request: SandboxRequest): boolean =>
  (fault.vantage ?? request.vantage) === request.vantage &&
  (fault.method ?? request.method) === request.method &&
  new RegExp(fault.host ?? '').test(request.host) &&
  new RegExp(fault.path ?? '').test(request.path);

function stampOf(path: string): string | undefined {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs}:${size}:${ino}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
