import type https from 'node:https';
import type { GetTokenOptions, TokenCredential } from '@azure/identity';
import type { IdentityAccess } from './access.ts';
import { credentialError } from './errors.ts';

/**
 * The zone's identity as the SDK clients take it. `@azure/identity` is loaded with the first token. Token requests go through the
 * zone's agent, except to the machine's own metadata endpoint.
 *
 * `getToken` throws UNAUTHENTICATED (says what to put right), UNREACHABLE or NETWORK_DENIED when the login host cannot be reached,
 * SERVICE_FAILED, THROTTLED.
 */
export function createCredential(access: IdentityAccess, agent: https.Agent): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  const seen: SeenByTransport = { status: undefined };
  return {
    getToken: async (scopes: string | string[], options?: GetTokenOptions) => {
      try {
        credential ??= load(access, agent, seen);
        return await (await credential).getToken(scopes, options);
      } catch (error) {
        throw await credentialError(error, {
          access,
          agent,
          status: seen.status,
          signal: options?.abortSignal,
        });
      }
    },
  };
}

/** MSAL turns a 503 into "no token": the status of the last answer tells a refusal from a bad day. */
interface SeenByTransport {
  status: number | undefined;
}

async function load(
  access: IdentityAccess,
  agent: https.Agent,
  seen: SeenByTransport,
): Promise<TokenCredential> {
  const [sdk, pipeline] = await Promise.all([import('@azure/identity'), import('@azure/core-rest-pipeline')]);
  const { tenant, identity } = access;
  const own = identity.clientId === undefined ? {} : { clientId: identity.clientId };
  const client = pipeline.createDefaultHttpClient();
  const options = {
    // Not the `agent` option: metadata endpoints of managed identities speak plain http, which an https.Agent refuses.
    httpClient: {
      sendRequest: async (request: Parameters<typeof client.sendRequest>[0]) => {
        if (request.url.startsWith('https:')) request.agent = agent;
        else delete request.agent;
        seen.status = undefined;
        const response = await client.sendRequest(request);
        seen.status = response.status;
        return response;
      },
    },
  };
  switch (identity.kind) {
    case 'workload':
      return new sdk.WorkloadIdentityCredential({
        ...options,
        ...own,
        tenantId: tenant,
        ...(identity.tokenFile === undefined ? {} : { tokenFilePath: identity.tokenFile }),
      });
    case 'managed':
      return new sdk.ManagedIdentityCredential({ ...options, ...own });
    case 'cli':
      return new sdk.AzureCliCredential({ tenantId: tenant });
    case 'default':
      return new sdk.DefaultAzureCredential({
        ...options,
        tenantId: tenant,
        ...(identity.clientId === undefined
          ? {}
          : { managedIdentityClientId: identity.clientId, workloadIdentityClientId: identity.clientId }),
      });
  }
}
