import type { SandboxRequest } from '../http.ts';
import { ResponseError } from '../http.ts';
import type { IdentityName, RegistryNames } from '../topology.ts';
import { registryError } from './errors.ts';
import type { Plane } from './plane.ts';

/** `type:name:action[,action]`, as in a challenge's `scope` and in the token's `access` claim. */
export interface AccessEntry {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly string[];
}

export type RepositoryAction = 'pull' | 'push' | 'delete' | 'metadata_read' | 'metadata_write';

/** The ARM action that stands behind a token's action. */
const armActions: Readonly<Record<string, string>> = {
  pull: 'Microsoft.ContainerRegistry/registries/pull/read',
  metadata_read: 'Microsoft.ContainerRegistry/registries/pull/read',
  push: 'Microsoft.ContainerRegistry/registries/push/write',
  metadata_write: 'Microsoft.ContainerRegistry/registries/push/write',
  delete: 'Microsoft.ContainerRegistry/registries/artifacts/delete',
};

/**
 * Unknown types are left out. So is a registry scope that names no list: `az acr check-health` asks for `registry:None:*`
 * and is content with a token that opens nothing.
 */
export function parseScopes(scopes: readonly string[]): AccessEntry[] {
  const entries: AccessEntry[] = [];
  for (const scope of scopes.flatMap((text) => text.split(' '))) {
    const match = /^(repository|registry):(.+):([a-z_,*]+)$/.exec(scope);
    const [, type, name, actions] = match ?? [];
    if ((type !== 'repository' && type !== 'registry') || name === undefined || actions === undefined)
      continue;
    if (type === 'registry' && name !== 'catalog') continue;
    const wanted = actions === '*' && type === 'repository' ? Object.keys(armActions) : actions.split(',');
    entries.push({ type, name, actions: wanted });
  }
  return entries;
}

/** The part of what is asked that the identity's roles allow on this registry. */
export function grant(plane: Plane, identity: IdentityName, asked: readonly AccessEntry[]): AccessEntry[] {
  const { names, context } = plane;
  const may = (action: string | undefined, repository?: string): boolean =>
    action !== undefined && context.roles.allows(identity, names.id, action, repository);
  return asked
    .map((entry) => ({
      ...entry,
      actions: entry.actions.filter((action) =>
        entry.type === 'registry'
          ? entry.name === 'catalog' && may(armActions.pull)
          : may(armActions[action], entry.name),
      ),
    }))
    .filter((entry) => entry.actions.length > 0);
}

/** Issuer of the registry's own tokens; `kind` keeps refresh and access tokens apart. */
export const registryIssuer = 'Azure Container Registry';

/**
 * Lets a request through whose token has one of `actions` on the repository.
 * @throws ResponseError 401 with the challenge that asks for `challenge`
 */
export function authorize(
  plane: Plane,
  request: SandboxRequest,
  repository: string,
  actions: readonly RepositoryAction[],
  challenge = actions.join(','),
): void {
  check(plane, request, `repository:${repository}:${challenge}`, (entry) =>
    entry.type === 'repository' && entry.name === repository
      ? actions.some((action) => entry.actions.includes(action))
      : false,
  );
}

/** Writing needs both, and the challenge asks for both (`pull,push`). */
export function authorizePush(plane: Plane, request: SandboxRequest, repository: string): void {
  authorize(plane, request, repository, ['push'], 'pull,push');
}

export function authorizeCatalog(plane: Plane, request: SandboxRequest): void {
  check(
    plane,
    request,
    'registry:catalog:*',
    (entry) => entry.type === 'registry' && entry.name === 'catalog',
  );
}

/** `GET /v2/`: any token of this registry will do. */
export function authorizeBase(plane: Plane, request: SandboxRequest): void {
  check(plane, request, undefined, undefined);
}

/** True when the token may pull from another repository too: what a cross-repository mount needs. */
export function mayPull(plane: Plane, request: SandboxRequest, repository: string): boolean {
  try {
    authorize(plane, request, repository, ['pull']);
    return true;
  } catch (error) {
    if (error instanceof ResponseError) return false;
    throw error;
  }
}

function check(
  plane: Plane,
  request: SandboxRequest,
  scope: string | undefined,
  fits: ((entry: AccessEntry) => boolean) | undefined,
): void {
  if (request.vantage === 'loopback') return;
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw challenge(plane.names, scope, undefined);
  const result = plane.context.tokens.check(
    token,
    { iss: registryIssuer, aud: plane.names.host },
    plane.context.clock.now(),
  );
  if (!result.ok || result.claims.kind !== 'access') throw challenge(plane.names, scope, 'invalid_token');
  const access = result.claims.access as readonly AccessEntry[];
  if (fits && !access.some(fits)) throw challenge(plane.names, scope, 'insufficient_scope');
}

function challenge(
  names: RegistryNames,
  scope: string | undefined,
  error: 'invalid_token' | 'insufficient_scope' | undefined,
): ResponseError {
  const parts = [`realm="https://${names.host}/oauth2/token"`, `service="${names.host}"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  if (error !== undefined) parts.push(`error="${error}"`);
  return registryError(
    401,
    'UNAUTHORIZED',
    'authentication required, visit https://aka.ms/acr/authorization for more information.',
    scope === undefined ? null : describe(scope),
    { 'www-authenticate': `Bearer ${parts.join(',')}` },
  );
}

function describe(scope: string): object {
  return parseScopes([scope]).flatMap((entry) =>
    entry.actions.map((action) => ({ Type: entry.type, Name: entry.name, Action: action })),
  );
}
