import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxContext } from '../context.ts';
import type { SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError, ResponseError } from '../http.ts';
import { readJson, writeJson } from '../store/files.ts';
import { hosts, region } from '../topology.ts';

/** One long-running operation, `state/operations/ID.json`. */
export interface Operation<Input> {
  /** `registries-GUID` */
  readonly id: string;
  readonly subscription: string;
  readonly apiVersion: string;
  /** Seconds; `Retry-After`. */
  readonly retryAfter: number;
  readonly status: 'Running' | 'Succeeded' | 'Failed';
  /** Never ends, whatever its work does (fault `endless-operation`). */
  readonly endless: boolean;
  readonly error?: { readonly status: number; readonly code: string; readonly message: string };
  /** What is needed to do the work again after a restart. */
  readonly input: Input;
}

/** Ends an operation as failed; the poll shows it with this status and code. */
export class OperationFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'OperationFailure';
    this.status = status;
    this.code = code;
  }
}

export interface Operations {
  /** Answers 202 at once; the work goes on by itself. */
  start(begun: {
    readonly subscription: string;
    readonly apiVersion: string;
    readonly retryAfter: number;
    readonly endless: boolean;
    readonly input: unknown;
  }): SandboxResponse;
  poll(request: SandboxRequest, id: string): SandboxResponse;
  /** Takes up what was running when the sandbox stopped. */
  resume(): void;
  /** All work under way has ended. */
  idle(): Promise<void>;
}

/** `work` throws `OperationFailure` for what the service would report. */
export function openOperations(
  context: SandboxContext,
  work: (id: string, input: unknown) => Promise<void>,
): Operations {
  const directory = join(context.stateDirectory, 'operations');
  mkdirSync(directory, { recursive: true });
  const fileOf = (id: string): string => join(directory, `${id}.json`);
  const running = new Set<Promise<void>>();
  const save = (operation: Operation<unknown>): void => {
    writeJson(fileOf(operation.id), operation);
  };
  const run = (operation: Operation<unknown>): void => {
    if (operation.endless) return;
    const done = finish(operation, work).then(save);
    const tracked = done.finally(() => running.delete(tracked));
    running.add(tracked);
  };
  return {
    start: (begun) => {
      const operation = { id: `registries-${randomUUID()}`, status: 'Running', ...begun } as const;
      save(operation);
      run(operation);
      return { status: 202, headers: runningHeaders(operation) };
    },
    poll: (_request, id) => {
      const safe = /^registries-[0-9a-f-]{36}$/.test(id);
      const operation = (safe ? readJson(fileOf(id)) : undefined) as Operation<unknown> | undefined;
      if (!operation) throw azureError(404, 'NotFound', `The operation ${id} was not found.`);
      if (operation.status === 'Running') return { status: 202, headers: runningHeaders(operation) };
      if (operation.error) {
        const { status, code, message } = operation.error;
        throw azureError(status, code, message);
      }
      return { status: 200 };
    },
    resume: () => {
      for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
        const operation = readJson(join(directory, file)) as Operation<unknown>;
        if (operation.status === 'Running') run(operation);
      }
    },
    idle: async () => {
      await Promise.allSettled(running);
    },
  };
}

async function finish(
  operation: Operation<unknown>,
  work: (id: string, input: unknown) => Promise<void>,
): Promise<Operation<unknown>> {
  try {
    await work(operation.id, operation.input);
    return { ...operation, status: 'Succeeded' };
  } catch (error) {
    const { status, code, message } = failureOf(error);
    return { ...operation, status: 'Failed', error: { status, code, message } };
  }
}

function failureOf(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof OperationFailure) return error;
  if (error instanceof ResponseError)
    return { status: 400, code: 'InvalidParameters', message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, code: 'InternalServerError', message };
}

function runningHeaders(operation: Operation<unknown>): Record<string, string> {
  const { id, subscription, apiVersion, retryAfter } = operation;
  return {
    location: `https://${hosts.arm}/subscriptions/${subscription}/providers/Microsoft.ContainerRegistry/locations/${region.toUpperCase()}/operationResults/${id}?api-version=${apiVersion}`,
    'retry-after': String(retryAfter),
    'content-length': '0',
  };
}
