import { entraIssuer } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { audiences, tenant } from '../topology.ts';
import type { IdentityName } from '../topology.ts';
import { identities } from '../topology.ts';
import { grant, parseScopes, registryIssuer } from './access.ts';
import { registryError } from './errors.ts';
import type { Plane } from './plane.ts';

const hours = 3600;
/** The user name that goes with a refresh token as password. */
const tokenUser = '00000000-0000-0000-0000-000000000000';

/** ACR's own token service: an Entra token is exchanged for a refresh token, that for one access token per scope. */
export function oauthHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  return [
    {
      host,
      method: 'POST',
      path: /^\/oauth2\/exchange$/,
      fn: async (request) => exchange(plane, await request.form()),
    },
    {
      host,
      method: 'POST',
      path: /^\/oauth2\/token$/,
      fn: async (request) => {
        const form = await request.form();
        const refreshToken =
          form.get('grant_type') === 'password' ? form.get('password') : form.get('refresh_token');
        return token(plane, form, refreshToken);
      },
    },
    {
      // What docker, oras, crane and the like do with a stored login.
      host,
      method: 'GET',
      path: /^\/oauth2\/token$/,
      fn: (request) => token(plane, request.url.searchParams, passwordOf(request)),
    },
  ];
}

function exchange(plane: Plane, form: URLSearchParams): SandboxResponse {
  checkService(plane, form);
  if (form.get('grant_type') !== 'access_token') throw unauthorized('unsupported grant_type');
  const asked = form.get('tenant');
  if (asked !== null && asked !== tenant) throw unauthorized('the registry is in another tenant');
  const entraToken = form.get('access_token') ?? '';
  const { tokens, clock } = plane.context;
  // A registry takes tokens for ARM too, unless told otherwise (azureADAuthenticationAsArmPolicy).
  const check = [audiences.registry, audiences.arm]
    .map((aud) => tokens.check(entraToken, { iss: entraIssuer, aud }, clock.now()))
    .find((result) => result.ok);
  if (!check?.ok) throw unauthorized('the access token is invalid');
  const principal = Object.values(identities).find(({ objectId }) => objectId === check.claims.sub);
  if (!principal) throw unauthorized('unknown principal');
  return {
    status: 200,
    body: { refresh_token: issue(plane, principal.name, 3 * hours, { kind: 'refresh' }) },
  };
}

function token(plane: Plane, form: URLSearchParams, refreshToken: string | null): SandboxResponse {
  checkService(plane, form);
  if (refreshToken === null) throw unauthorized('anonymous pull is disabled');
  const { tokens, clock } = plane.context;
  const check = tokens.check(refreshToken, { iss: registryIssuer, aud: plane.names.host }, clock.now());
  if (!check.ok || check.claims.kind !== 'refresh') throw unauthorized('the refresh token is invalid');
  const identity = check.claims.sub as IdentityName;
  const asked = parseScopes(form.getAll('scope'));
  const access = grant(plane, identity, asked);
  // Asked for something and allowed nothing of it: no token. Asked for more than allowed: a token with less.
  if (asked.length > 0 && access.length === 0)
    throw unauthorized('the identity has no role for this scope on the registry');
  return {
    status: 200,
    body: { access_token: issue(plane, identity, hours, { kind: 'access', access }) },
  };
}

function issue(plane: Plane, sub: string, seconds: number, claims: object): string {
  const { tokens, clock } = plane.context;
  const now = Math.floor(clock.now().getTime() / 1000);
  const aud = plane.names.host;
  return tokens.issue({ iss: registryIssuer, sub, aud, iat: now, exp: now + seconds, ...claims });
}

function checkService(plane: Plane, form: URLSearchParams): void {
  if (form.get('service') !== plane.names.host)
    throw registryError(400, 'UNSUPPORTED', `service must be ${plane.names.host}`);
}

function passwordOf(request: SandboxRequest): string | null {
  const encoded = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return null;
  const [user, ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return user === tokenUser ? password.join(':') : null;
}

const unauthorized = (reason: string): Error =>
  registryError(
    401,
    'UNAUTHORIZED',
    'authentication required, visit https://aka.ms/acr/authorization for more information.',
    { reason },
  );
