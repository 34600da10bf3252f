import type { Auth, AuthContext, Scope } from './auth.ts';
import type { Challenge } from './challenge.ts';
import { parseChallenge } from './challenge.ts';
import { errorOf } from './errors.ts';
import { createTokenCache, issuedToken } from './token-cache.ts';

/**
 * Any other registry (distribution, "Token Authentication Specification"): nothing is sent until a 401 says what is wanted,
 * then Basic, or a bearer token per scope from a realm on the registry's own origin. Without credentials the token is asked for
 * anonymously.
 */
export function dockerAuth(context: AuthContext): Auth {
  const { base, clock, ask, options } = context;
  const { credentials } = options;
  const cache = createTokenCache(clock);
  let wanted: Challenge | undefined;
  const basic =
    credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

  const issue = async (scope: Scope, realm: URL, service: string | undefined): Promise<string> =>
    cache.get(scope.join(' '), async () => {
      const url = new URL(realm);
      if (service !== undefined) url.searchParams.set('service', service);
      url.searchParams.delete('scope');
      for (const one of scope) url.searchParams.append('scope', one);
      const answer = await ask({
        method: 'GET',
        url,
        headers: { accept: 'application/json', ...(basic === undefined ? {} : { authorization: basic }) },
      });
      if (answer.status !== 200) throw errorOf(answer, base.host, 'the token request');
      return issuedToken(answer.body, ['token', 'access_token'], base.host, clock.now());
    });

  return {
    async header(scope) {
      if (wanted === undefined) return undefined;
      if (wanted.kind === 'basic') return basic;
      return `Bearer ${await issue(scope, wanted.realm, wanted.service)}`;
    },
    async refused(scope, used, challenge) {
      wanted = parseChallenge(challenge, base) ?? wanted;
      if (wanted === undefined) return false;
      if (wanted.kind === 'basic') return Promise.resolve(basic !== undefined && used !== basic);
      if (used?.startsWith('Bearer ')) cache.drop(scope.join(' '), used.slice('Bearer '.length));
      return true;
    },
  };
}
