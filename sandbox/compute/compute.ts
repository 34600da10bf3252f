import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobRecord } from '../aml/jobs.ts';
import type { SandboxContext } from '../context.ts';
import type { FaultAction } from '../faults.ts';
import type { WorkspaceState } from '../state.ts';
import { readOptional, writeFileAtomic } from '../store/files.ts';
import type { ContainerEngine } from './engine.ts';
import { nodeLost } from './failures.ts';
import { openLog } from './log.ts';
import { runJob } from './run-job.ts';

export type JobFault = Extract<FaultAction, { kind: 'fail-operation' | 'endless-operation' }>;

/** What of the sandbox a job meets. */
export type ComputeHost = Pick<SandboxContext, 'topology' | 'clock' | 'roles' | 'loopback'>;

export interface ComputeOptions extends Pick<WorkspaceState, 'jobs' | 'environments' | 'assets' | 'blobs'> {
  readonly context: ComputeHost;
  /** For work folders; must be visible to the engine under the same path. */
  readonly directory: string;
  /** Jobs that run at the same time. */
  readonly nodes: number;
  /** Called when the first job needs it, and again after it failed. @throws JobFailure */
  readonly connect: () => Promise<ContainerEngine>;
}

/** The cluster: takes jobs in their order, a few at a time, and runs them to an end. */
export interface Compute {
  submit(name: string, fault?: JobFault): void;
  /** Of a job that has not ended; it ends as Canceled soon. */
  cancel(name: string): void;
  /** Resolves when nothing is queued or running but jobs that never start. */
  idle(): Promise<void>;
  /** Kills what runs and marks it as failed; what is queued waits for the next start. */
  close(): Promise<void>;
}

/** Why a job is aborted. */
export type AbortReason = 'cancel' | 'timeout' | 'close';

export function startCompute(options: ComputeOptions): Compute {
  const { jobs, nodes, directory } = options;
  const work = join(directory, 'work');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const label = `dev.amlpromote.sandbox=${sandboxId(directory)}`;

  const queue: string[] = [];
  const faults = new Map<string, JobFault>();
  const running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  let engine: Promise<ContainerEngine> | undefined;
  let closed = false;

  /** One connection for all jobs; leftovers of a killed process go before the first one runs. */
  const connected = (): Promise<ContainerEngine> => {
    engine ??= options.connect().then(async (connection) => {
      await connection.sweep(label);
      return connection;
    });
    engine.catch(() => (engine = undefined));
    return engine;
  };
  const firstRunnable = (): number =>
    queue.findIndex((name) => faults.get(name)?.kind !== 'endless-operation');
  const next = (): void => {
    if (!isListening(options.context)) {
      // Jobs of the last time are taken up before the ports are known.
      if (!closed && firstRunnable() >= 0) setTimeout(next, 20).unref();
      return;
    }
    while (!closed && running.size < nodes) {
      const index = firstRunnable();
      const [name] = index < 0 ? [] : queue.splice(index, 1);
      if (name === undefined) return;
      const abort = new AbortController();
      const done = runJob({
        ...options,
        work,
        label,
        connected,
        name,
        fault: faults.get(name),
        abort,
      }).finally(() => {
        running.delete(name);
        faults.delete(name);
        next();
      });
      running.set(name, { abort, done });
    }
  };
  const submit = (name: string, fault?: JobFault): void => {
    if (!jobs.progress(name, { status: 'Queued' })) return;
    if (fault) faults.set(name, fault);
    queue.push(name);
    next();
  };

  const left = recover(options);
  for (const name of left.queued) submit(name);
  // Not only before the next job: a container of the last process may still be running.
  if (left.lost) connected().catch(() => undefined);

  return {
    submit,
    cancel(name) {
      const index = queue.indexOf(name);
      if (index >= 0) {
        queue.splice(index, 1);
        faults.delete(name);
        jobs.progress(name, { status: 'Canceled', endedAt: options.context.clock.now().toISOString() });
        return;
      }
      jobs.progress(name, { status: 'CancelRequested' });
      running.get(name)?.abort.abort('cancel' satisfies AbortReason);
    },
    async idle() {
      while (running.size > 0 || firstRunnable() >= 0) {
        await Promise.all([...running.values()].map(({ done }) => done));
        if (running.size === 0) await delay(10);
      }
    },
    async close() {
      closed = true;
      for (const { abort } of running.values()) abort.abort('close' satisfies AbortReason);
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

function isListening(context: ComputeHost): boolean {
  try {
    context.loopback('sensitive');
    return true;
  } catch {
    return false;
  }
}

/** A sandbox knows its own containers, and only those, by a name that stays with its directory. */
function sandboxId(directory: string): string {
  const path = join(directory, 'id');
  const known = readOptional(path)?.toString('utf8');
  if (known !== undefined) return known;
  const id = randomUUID();
  writeFileAtomic(path, id);
  return id;
}

/** After a stop or a kill: what had a node is lost, what waited for one still waits. */
function recover({ jobs, blobs, context }: ComputeOptions): { queued: string[]; lost: boolean } {
  const open = jobs.all().filter(({ endedAt }) => endedAt === undefined);
  const isWaiting = ({ status }: JobRecord): boolean => status === 'Starting' || status === 'Queued';
  const lost = open.filter((job) => !isWaiting(job));
  for (const { name, status } of lost) {
    const endedAt = context.clock.now().toISOString();
    if (status === 'CancelRequested') {
      jobs.progress(name, { status: 'Canceled', endedAt });
      continue;
    }
    const { code, message } = nodeLost(status);
    openLog(blobs, name, context.clock).note(message);
    jobs.progress(name, { status: 'Failed', endedAt, error: { code, message } });
  }
  return {
    // `all` is newest first.
    queued: open
      .filter(isWaiting)
      .map(({ name }) => name)
      .reverse(),
    lost: lost.length > 0,
  };
}
