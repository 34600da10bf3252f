import type https from 'node:https';
import { AmlpromoteError } from '../domain/errors.ts';
import { connectionFailure } from './agent.ts';
import { causeOf } from './causes.ts';
import { networkError } from './errors.ts';
import { safeText } from './foreign-text.ts';

/** What an Azure service answered when it did not do what it was asked. */
export interface AzureFault {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The service's own code (`AuthorizationFailed`, `UserError`), or Node's (`ECONNRESET`); '' when there is none. */
  readonly code: string;
  readonly message: string;
  /** `Content-Type` of the answer. */
  readonly type?: string | undefined;
}

/** What was tried, for the message. */
export interface AzureCall {
  /** e.g. `import of ml/churn-train into contososec`. */
  readonly what: string;
  readonly host: string;
  /** Name and scope of the role that would allow it. */
  readonly role?: { readonly name: string; readonly scope: string };
  readonly agent?: https.Agent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads what the SDKs throw (RestError and its like) without believing in their types. */
export function faultOf(error: unknown): AzureFault {
  if (typeof error !== 'object' || error === null)
    return { status: undefined, code: '', message: String(error) };
  const { statusCode, code, message } = error as Record<string, unknown>;
  const details = 'details' in error ? innerError(error.details) : undefined;
  return {
    status: typeof statusCode === 'number' ? statusCode : undefined,
    code: details?.code ?? (typeof code === 'string' ? code : ''),
    message: details?.message ?? (typeof message === 'string' ? message : ''),
    ...typeOf(error),
  };
}

/** RestError keeps the answer; its headers have a `get`. */
function typeOf(error: object): { readonly type?: string } {
  const response: unknown = 'response' in error ? error.response : undefined;
  const headers: unknown =
    typeof response === 'object' && response !== null && 'headers' in response ? response.headers : undefined;
  const type = hasGet(headers) ? headers.get('content-type') : undefined;
  return typeof type === 'string' ? { type } : {};
}

const hasGet = (value: unknown): value is { get(name: string): unknown } =>
  typeof value === 'object' && value !== null && 'get' in value && typeof value.get === 'function';

/** ARM's `{"error":{"code","message"}}`, or the registry's `{"errors":[{"code","message"}]}`. */
export function faultOfBody(status: number, body: string | undefined): AzureFault {
  let parsed: unknown;
  try {
    parsed = JSON.parse((body ?? '').slice(0, 64 * 1024));
  } catch {
    return { status, code: '', message: '' };
  }
  const inner = innerError(parsed);
  return { status, code: inner?.code ?? '', message: inner?.message ?? '' };
}

function innerError(body: unknown): { code: string; message: string } | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const holder = body as { error?: unknown; errors?: unknown; code?: unknown; message?: unknown };
  const inner = holder.error ?? (Array.isArray(holder.errors) ? (holder.errors as unknown[])[0] : holder);
  if (typeof inner !== 'object' || inner === null) return undefined;
  const { code, message } = inner as Record<string, unknown>;
  if (typeof code !== 'string' && typeof message !== 'string') return undefined;
  return {
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
  };
}

/** Translates whatever an SDK call threw. AmlpromoteErrors (agent, credential) pass through. */
export function azureError(error: unknown, call: AzureCall): AmlpromoteError {
  if (error instanceof AmlpromoteError) return error;
  const interrupted = interruption(call.signal);
  if (interrupted) return interrupted;
  const fault = faultOf(error);
  if (fault.status !== undefined) return faultError(fault, call, error);
  const broken = (call.agent && connectionFailure(call.agent, call.host)) ?? networkError(error, call.host);
  if (broken) return broken;
  return new AmlpromoteError('SERVICE_FAILED', `${call.what}: ${tellFault(fault)}`, {
    nextSteps: [again],
    cause: error,
  });
}

/** The reason of an aborted signal, as an error of ours. */
export function interruption(signal: AbortSignal | undefined): AmlpromoteError | undefined {
  if (signal?.aborted !== true) return undefined;
  return signal.reason instanceof AmlpromoteError
    ? signal.reason
    : new AmlpromoteError('INTERRUPTED', 'interrupted', {
        nextSteps: ['Run again: it goes on where it stopped.'],
      });
}

const again = 'Run again; what is done stays done.';

/** "No" and "could not check" apart; and the four ways of "you may not" too: token, role, network, nothing there. */
export function faultError(fault: AzureFault, call: AzureCall, cause?: unknown): AmlpromoteError {
  const row = causeOf({ ...fault, status: fault.status ?? 0 });
  const host = ['page', 'network', 'identity'].includes(row.name) ? `${call.host}: ` : '';
  return new AmlpromoteError(row.code, `${call.what}: ${host}${row.said} (${tellFault(fault)})`, {
    nextSteps: row.name === 'role' ? [grant(call, fault)] : row.nextSteps(call.host),
    ...(cause === undefined ? {} : { cause }),
  });
}

function grant(call: AzureCall, fault: AzureFault): string {
  const action = /perform action '([\w./*-]{1,200})'/.exec(fault.message)?.[1];
  const why = action === undefined ? '' : ` (it lacks ${action})`;
  if (!call.role)
    return `Grant the identity a role that allows it${why}; a new role takes some minutes to hold.`;
  return `Grant the identity the role "${call.role.name}" on ${call.role.scope}${why}; a new role takes some minutes to hold.`;
}

/** A firewall rule of the service, not a missing role, although both answer 403. */
export const isNetworkRule = (fault: AzureFault): boolean =>
  causeOf({ ...fault, status: fault.status ?? 0 }).name === 'network';

/** The service's words, one line, without query strings of URLs and not at length. */
export function tellFault({ status, code, message }: AzureFault): string {
  const words = tell(message);
  const parts = [status === undefined ? '' : `HTTP ${status}`, code, words].filter((part) => part !== '');
  return parts.length === 0 ? 'no reason given' : parts.join(': ');
}

/** Text of a service for a message of ours. */
export function tell(text: string): string {
  const line = safeText(text.slice(0, 64 * 1024).replace(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/g, '$1'), 401);
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
}
