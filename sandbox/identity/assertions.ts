import type { IdentityName } from '../topology.ts';
import type { TokenKey } from './tokens.ts';

/** A workload's own token, as a Kubernetes cluster or a CI system would issue it for federation. */
export const assertionIssuer = 'https://issuer.sandbox.invalid';
export const assertionAudience = 'api://AzureADTokenExchange';

/** Good for ten years: nobody refreshes the token files of a sandbox. */
const years = 10;

export function issueAssertion(tokens: TokenKey, identity: IdentityName, now: Date): string {
  const iat = Math.floor(now.getTime() / 1000);
  return tokens.issue({
    iss: assertionIssuer,
    sub: identity,
    aud: assertionAudience,
    iat,
    exp: iat + years * 365 * 24 * 3600,
  });
}
