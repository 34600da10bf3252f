import { join } from 'node:path';
import { nodes } from './aml/workspace-body.ts';
import type { Compute } from './compute/compute.ts';
import { startCompute } from './compute/compute.ts';
import { connectEngine } from './compute/connect.ts';
import type { Faults } from './faults.ts';
import { openFaults } from './faults.ts';
import type { SandboxRequest } from './http.ts';
import { azureError } from './http.ts';
import type { TokenKey } from './identity/tokens.ts';
import type { SandboxClock, SandboxState } from './state.ts';
import { openState } from './state.ts';
import type { IdentityNames, Topology, ZoneName } from './topology.ts';
import { identities, tenant, topology } from './topology.ts';

/** Who sent a request, proven by its token. */
export type Principal = IdentityNames;

/** What handlers share. Nothing in it knows HTTP servers or ports but `loopback`, which is set once they listen. */
export interface SandboxContext extends SandboxState {
  readonly topology: Topology;
  /** `DIR`: the files for users. */
  readonly directory: string;
  /** `DIR/state`: what survives a restart. */
  readonly stateDirectory: string;
  readonly clock: SandboxClock;
  readonly faults: Faults;
  /** The cluster of the workspace. Jobs that were waiting or lost are seen to from the start. */
  readonly compute: Compute;
  /** `127.0.0.1:PORT` of a registry's plain-http port. */
  loopback(zone: ZoneName): string;
  /**
   * Who calls, by the bearer token.
   * @throws ResponseError 401 when it is missing, foreign, expired or for another audience
   */
  principalOf(request: SandboxRequest, audience: string): Principal;
  /** @throws ResponseError 403 AuthorizationFailed when no role of the principal at or above `scope` has the action */
  requireRole(principal: Principal, scope: string, action: string): void;
  /** Runs at stop, last added first, before the listeners are gone. */
  onStop(task: () => Promise<void> | void): void;
}

export interface ContextOptions {
  readonly directory: string;
  /** Docker Engine API address for the compute, as `DOCKER_HOST` would say; undefined: look in the usual places. */
  readonly engineHost?: string | undefined;
  readonly clock?: SandboxClock;
}

/** The context, and what only the lifecycle may do with it. */
export interface OwnedContext {
  readonly context: SandboxContext;
  setLoopback(addresses: Readonly<Record<ZoneName, string>>): void;
  close(): Promise<void>;
}

export const entraIssuer = `https://sts.windows.net/${tenant}/`;

export function createContext(options: ContextOptions): OwnedContext {
  const { directory, engineHost, clock = { now: () => new Date() } } = options;
  const stateDirectory = join(directory, 'state');
  const state = openState(stateDirectory, clock);
  const { tokens, roles, events, workspace } = state;
  const tasks: (() => Promise<void> | void)[] = [];
  let loopback: Readonly<Record<ZoneName, string>> | undefined;
  const shared = {
    topology,
    directory,
    stateDirectory,
    clock,
    ...state,
    faults: openFaults(join(directory, 'faults.json')),
    loopback: (zone: ZoneName): string => {
      if (!loopback) throw new Error('the sandbox does not listen yet');
      return loopback[zone];
    },
    principalOf: (request: SandboxRequest, audience: string) => principalOf(tokens, clock, request, audience),
    requireRole: (principal: Principal, scope: string, action: string): void => {
      if (!roles.allows(principal.name, scope, action)) throw authorizationFailed(principal, scope, action);
    },
    onStop: (task: () => Promise<void> | void) => void tasks.push(task),
  };
  const compute = startCompute({
    context: shared,
    directory: join(stateDirectory, 'compute'),
    ...workspace,
    nodes,
    connect: () => connectEngine(engineHost),
  });
  const context: SandboxContext = { ...shared, compute };
  return {
    context,
    setLoopback: (addresses) => void (loopback = addresses),
    close: async () => {
      for (const task of tasks.reverse()) await task();
      await compute.close();
      await events.close();
    },
  };
}

function principalOf(
  tokens: TokenKey,
  clock: SandboxClock,
  request: SandboxRequest,
  audience: string,
): Principal {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined)
    throw unauthorized(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    );
  const check = tokens.check(token, { iss: entraIssuer, aud: audience }, clock.now());
  if (!check.ok) {
    const [code, message] = refusals[check.why];
    throw unauthorized(code, message);
  }
  const principal = Object.values(identities).find(({ objectId }) => objectId === check.claims.sub);
  if (!principal)
    throw unauthorized('InvalidAuthenticationToken', 'The access token is of an unknown principal.');
  return principal;
}

const refusals = {
  malformed: ['InvalidAuthenticationToken', 'The access token is invalid.'],
  signature: ['InvalidAuthenticationToken', 'The access token is invalid: signature validation failed.'],
  issuer: ['InvalidAuthenticationTokenTenant', 'The access token is from the wrong issuer.'],
  audience: ['InvalidAuthenticationTokenAudience', 'The access token has been obtained for wrong audience.'],
  expired: [
    'ExpiredAuthenticationToken',
    'The access token expiry UTC time is earlier than current UTC time.',
  ],
} as const;

const unauthorized = (code: string, message: string): Error =>
  azureError(401, code, message, {
    'www-authenticate': `Bearer authorization_uri="https://login.microsoftonline.com/${tenant}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
  });

const authorizationFailed = (principal: Principal, scope: string, action: string): Error =>
  azureError(
    403,
    'AuthorizationFailed',
    `The client '${principal.clientId}' with object id '${principal.objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
