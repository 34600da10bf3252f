import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxRequest } from './http.ts';

/** One answered request. Never holds headers, query strings or bodies: those carry tokens. */
export interface SandboxEvent {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly vantage: SandboxRequest['vantage'];
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** HTTP status; 0 when the connection was cut. */
  readonly status: number;
}

export interface EventLog {
  add(event: SandboxEvent): void;
  /** The latest ones of this process, oldest first; at most 5000. */
  recent(): readonly SandboxEvent[];
  /** Told of every event from now on; `recent` forgets. */
  subscribe(listener: (event: SandboxEvent) => void): void;
  close(): Promise<void>;
}

const kept = 5000;

/** JSON lines at `path`, begun anew with each start. */
export function openEventLog(path: string): EventLog {
  mkdirSync(dirname(path), { recursive: true });
  const file = createWriteStream(path, { flags: 'w', mode: 0o600 });
  const ring: SandboxEvent[] = [];
  const listeners: ((event: SandboxEvent) => void)[] = [];
  return {
    add: (event) => {
      ring.push(event);
      for (const listener of listeners) listener(event);
      if (ring.length > kept) ring.splice(0, ring.length - kept);
      // A request that was cut by the stop may end after it.
      if (!file.writableEnded) file.write(`${JSON.stringify(event)}\n`);
    },
    recent: () => [...ring],
    subscribe: (listener) => void listeners.push(listener),
    close: () =>
      new Promise((resolve) => {
        file.end(() => {
          resolve();
        });
      }),
  };
}
