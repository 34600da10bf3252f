import type https from 'node:https';
import type { TokenCredential } from '@azure/identity';

/** One workspace, reached as its zone's side. */
export interface WorkspaceOptions {
  readonly credential: TokenCredential;
  readonly agent: https.Agent;
  /** ARM id. */
  readonly workspaceId: string;
  readonly signal?: AbortSignal;
  /** Of single requests; default 3 retries from 1 s on, doubling. */
  readonly retry?: { readonly maxRetries: number; readonly retryDelayInMs: number };
}

/** One request must not hang for ever; no call of ours moves more than a few MiB. */
export const requestTimeoutMs = 100_000;
