import type { Auth, AuthContext, Scope } from './auth.ts';
import { errorOf } from './errors.ts';
import type { RegistryOptions } from './options.ts';
import { withoutPort } from './options.ts';
import { parseChallenge } from './challenge.ts';
import { createTokenCache, issuedToken } from './token-cache.ts';

const refreshKey = 'refresh';

/**
 * ACR: Entra ID token → refresh token (about 3 h) → one access token per scope (azure.md, "ACR data plane"). The endpoints are
 * the registry's own and known, so no 401 is needed first; a challenge is only looked at to refuse a foreign realm.
 */
export function acrAuth(context: AuthContext, entraToken: NonNullable<RegistryOptions['token']>): Auth {
  const { base, clock, ask, options } = context;
  const cache = createTokenCache(clock);
  const service = withoutPort(base.host);

  const post = async (path: string, form: Readonly<Record<string, string>>, name: string) => {
    const url = new URL(path, base);
    const answer = await ask({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
    if (answer.status !== 200) return answer.status === 401 ? undefined : refuse(answer, path);
    return issuedToken(answer.body, [name], base.host, clock.now());
  };
  const refuse = (answer: Parameters<typeof errorOf>[0], path: string): never => {
    throw errorOf(answer, base.host, `the token request to ${path}`);
  };
  const unauthenticated = (path: string): never =>
    refuse({ status: 401, headers: {}, body: new Uint8Array() }, path);

  const refreshToken = async (): Promise<string> =>
    cache.get(refreshKey, async () => {
      const { token } = await entraToken(options.signal);
      const form = { grant_type: 'access_token', service, access_token: token };
      return (await post('/oauth2/exchange', form, 'refresh_token')) ?? unauthenticated('/oauth2/exchange');
    });
  const accessToken = async (scope: Scope): Promise<string> =>
    cache.get(scope.join(' '), async () => {
      const request = async (refresh: string) =>
        post(
          '/oauth2/token',
          { grant_type: 'refresh_token', service, scope: scope.join(' '), refresh_token: refresh },
          'access_token',
        );
      const refresh = await refreshToken();
      const first = await request(refresh);
      if (first) return first;
      // The refresh token may have been revoked before its time: exchange once more, then give up.
      cache.drop(refreshKey, refresh);
      return (await request(await refreshToken())) ?? unauthenticated('/oauth2/token');
    });

  return {
    header: async (scope) => `Bearer ${await accessToken(scope)}`,
    async refused(scope, used, challenge) {
      parseChallenge(challenge, base);
      if (used !== undefined) cache.drop(scope.join(' '), used.slice('Bearer '.length));
      return Promise.resolve(true);
    },
  };
}
