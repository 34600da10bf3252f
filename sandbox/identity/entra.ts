import { withoutTrailing } from '../../src/domain/trim.ts';
import type { SandboxContext } from '../context.ts';
import { entraIssuer } from '../context.ts';
import type { Handler, SandboxResponse } from '../http.ts';
import { ResponseError } from '../http.ts';
import type { IdentityNames } from '../topology.ts';
import { audiences, hosts, identities, tenant } from '../topology.ts';
import { isClientSecret } from './client-secret.ts';
import { assertionAudience, assertionIssuer } from './assertions.ts';

/** Seconds an access token is good. */
const lifetime = 3600;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const base = `https://${hosts.login}/${tenant}`;

/** `login.microsoftonline.com`: what MSAL asks for before and when it gets a token for a workload identity. */
export function entraHandlers(context: SandboxContext): Handler[] {
  const host = (name: string): boolean =>
    name === hosts.login || (hosts.loginAliases as readonly string[]).includes(name);
  return [
    {
      host,
      method: 'GET',
      path: /^\/common\/discovery\/instance$/,
      fn: () => ({
        status: 200,
        body: {
          tenant_discovery_endpoint: `${base}/v2.0/.well-known/openid-configuration`,
          'api-version': '1.1',
          metadata: [
            {
              preferred_network: hosts.login,
              preferred_cache: 'login.windows.net',
              aliases: [hosts.login, ...hosts.loginAliases],
            },
          ],
        },
      }),
    },
    {
      host,
      method: 'GET',
      path: /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/,
      fn: (_request, match) => {
        checkTenant(match[1] ?? '');
        return {
          status: 200,
          body: {
            token_endpoint: `${base}/oauth2/v2.0/token`,
            token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
            jwks_uri: `${base}/discovery/v2.0/keys`,
            issuer: `${base}/v2.0`,
            authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
            response_types_supported: ['code', 'id_token', 'token'],
            subject_types_supported: ['pairwise'],
            id_token_signing_alg_values_supported: ['ES256'],
          },
        };
      },
    },
    {
      host,
      method: 'GET',
      path: /^\/[^/]+\/discovery\/v2\.0\/keys$/,
      fn: () => ({ status: 200, body: { keys: [context.tokens.jwk] } }),
    },
    {
      host,
      method: 'POST',
      path: /^\/([^/]+)\/oauth2\/v2\.0\/token$/,
      fn: async (request, match) => {
        checkTenant(match[1] ?? '');
        return token(context, await request.form());
      },
    },
  ];
}

function token(context: SandboxContext, form: URLSearchParams): SandboxResponse {
  if (form.get('grant_type') !== 'client_credentials')
    throw refuse(400, 'unsupported_grant_type', 70003, 'The sandbox knows client_credentials only.');
  const clientId = form.get('client_id') ?? '';
  const identity = Object.values(identities).find((each) => each.clientId === clientId);
  if (!identity)
    throw refuse(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${clientId}' was not found in the directory 'Contoso'.`,
    );
  checkCredential(context, identity, form);
  const body = accessToken(context, identity, audienceOf(form.get('scope') ?? ''));
  return { status: 200, headers: { 'cache-control': 'no-store, no-cache' }, body };
}

/** A secret or an assertion, whichever the client sent. */
function checkCredential(context: SandboxContext, identity: IdentityNames, form: URLSearchParams): void {
  const secret = form.get('client_secret');
  if (secret === null) {
    checkAssertion(context, identity, form);
    return;
  }
  if (!isClientSecret(context.directory, identity.name, secret))
    throw refuse(
      401,
      'invalid_client',
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${identity.clientId}'.`,
    );
}

function checkAssertion(context: SandboxContext, identity: IdentityNames, form: URLSearchParams): void {
  const assertion = form.get('client_assertion');
  if (assertion === null || form.get('client_assertion_type') !== assertionType)
    throw refuse(
      401,
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  const check = context.tokens.check(
    assertion.trim(),
    { iss: assertionIssuer, aud: assertionAudience },
    context.clock.now(),
  );
  if (!check.ok && check.why === 'expired')
    throw refuse(401, 'invalid_client', 700024, 'Client assertion is not within its valid time range.');
  if (!check.ok && check.why === 'signature')
    throw refuse(401, 'invalid_client', 50013, 'Assertion failed signature validation.');
  if (!check.ok)
    throw refuse(401, 'invalid_client', 50027, `JWT token is invalid or malformed (${check.why}).`);
  if (check.claims.sub !== identity.name)
    throw refuse(
      401,
      'invalid_client',
      700213,
      `No matching federated identity record found for presented assertion subject '${check.claims.sub}'.`,
    );
}

export interface AccessToken {
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly ext_expires_in: number;
  readonly access_token: string;
}

export function accessToken(context: SandboxContext, identity: IdentityNames, aud: string): AccessToken {
  const now = Math.floor(context.clock.now().getTime() / 1000);
  const { clientId, objectId } = identity;
  const access_token = context.tokens.issue({
    iss: entraIssuer,
    sub: objectId,
    aud,
    exp: now + lifetime,
    iat: now,
    nbf: now,
    tid: tenant,
    oid: objectId,
    appid: clientId,
    ver: '1.0',
  });
  return { token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token };
}

/**
 * One service, two names: tools that are older than ARM ask for a token under the name of its predecessor
 * (`activeDirectoryResourceId` of the Azure cloud in azure-cli and in ms-rest-azure), and ARM takes it.
 */
const resourceNames: Readonly<Record<string, string>> = {
  'https://management.core.windows.net': audiences.arm,
};

/**
 * `RESOURCE/.default` → `RESOURCE`; a slash at its end is the resource's own business and dropped.
 * @throws ResponseError 400 for a resource that the tenant does not know
 */
export function audienceOf(scope: string): string {
  const asked = scope.split(' ').find((part) => part.endsWith('/.default'));
  const resource = asked && withoutTrailing(asked.slice(0, -'/.default'.length), '/');
  if (resource === undefined)
    throw refuse(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.`,
    );
  const known = resourceNames[resource] ?? resource;
  if ((Object.values(audiences) as string[]).includes(known)) return known;
  throw refuse(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${resource} was not found in the tenant named Contoso.`,
  );
}

function checkTenant(name: string): void {
  if (name === tenant || name === 'organizations' || name === 'common') return;
  throw refuse(
    400,
    'invalid_tenant',
    90002,
    `Tenant '${name}' not found. Check to make sure you have the correct tenant ID.`,
  );
}

const refuse = (status: number, error: string, code: number, message: string): ResponseError =>
  new ResponseError(
    {
      status,
      body: { error, error_description: `AADSTS${code}: ${message}`, error_codes: [code] },
    },
    message,
  );
