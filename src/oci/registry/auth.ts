import type { Clock } from '../../ports/clock.ts';
import type { Answer } from './errors.ts';
import type { RegistryOptions } from './options.ts';
import { acrAuth } from './auth-acr.ts';
import { dockerAuth } from './auth-docker.ts';

/** `repository:NAME:ACTIONS`; several for a mount. One token per set (azure.md). */
export type Scope = readonly string[];

export const pullScope = (repository: string): Scope => [`repository:${repository}:pull`];
export const pushScope = (repository: string, mountFrom?: string): Scope => [
  `repository:${repository}:pull,push`,
  ...(mountFrom === undefined || mountFrom === repository ? [] : pullScope(mountFrom)),
];

/** How requests to the registry's own origin are authorised. */
export interface Auth {
  /** The `Authorization` value to send, or undefined when none is needed (yet). */
  header(scope: Scope): Promise<string | undefined>;
  /**
   * After a 401: forgets what was `used` and learns from the challenge. False when another try cannot help.
   * @throws UNAUTHENTICATED (threat 28)
   */
  refused(scope: Scope, used: string | undefined, challenge: string | undefined): Promise<boolean>;
}

/** Requests to token endpoints, retried, never themselves authorised by a bearer token. */
export type AskToken = (request: {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}) => Promise<Answer>;

export interface AuthContext {
  readonly base: URL;
  readonly options: RegistryOptions;
  readonly clock: Clock;
  readonly ask: AskToken;
}

export const createAuth = (context: AuthContext): Auth =>
  context.options.token ? acrAuth(context, context.options.token) : dockerAuth(context);
