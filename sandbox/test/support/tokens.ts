import type { Agent } from 'node:http';
import { accessToken } from '../../identity/entra.ts';
import type { RunningSandbox } from '../../index.ts';
import type { IdentityName } from '../../topology.ts';
import { audiences, identities } from '../../topology.ts';
import type { WireResponse } from './wire.ts';
import { form, wire } from './wire.ts';

/** An Entra token without signing in. */
export const entraToken = (
  sandbox: RunningSandbox,
  identity: IdentityName,
  audience: string = audiences.registry,
): string => accessToken(sandbox.context, identities[identity], audience).access_token;

export async function refreshToken(agent: Agent, host: string, entra: string): Promise<string> {
  const fields = { grant_type: 'access_token', service: host, access_token: entra };
  const response = await wire(`https://${host}/oauth2/exchange`, { ...form(fields), agent });
  return response.json<{ refresh_token: string }>().refresh_token;
}

/** The answer to asking for an access token of the registry. */
export const askScope = (agent: Agent, host: string, refresh: string, scope: string): Promise<WireResponse> =>
  wire(`https://${host}/oauth2/token`, {
    ...form({ grant_type: 'refresh_token', service: host, scope, refresh_token: refresh }),
    agent,
  });

/** The authorization header for `scope`, as the identity gets it. */
export async function registryLogin(
  sandbox: RunningSandbox,
  agent: Agent,
  host: string,
  identity: IdentityName,
  scope: string,
): Promise<{ authorization: string }> {
  const refresh = await refreshToken(agent, host, entraToken(sandbox, identity));
  const response = await askScope(agent, host, refresh, scope);
  return { authorization: `Bearer ${response.json<{ access_token: string }>().access_token}` };
}
