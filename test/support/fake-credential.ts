import type { TokenCredential } from '@azure/identity';

/** A credential that always has a token, for adapters against a scripted server. */
export const fakeCredential: TokenCredential = {
  getToken: (scopes) =>
    Promise.resolve({
      token: `token-for:${[scopes].flat().join(' ')}`,
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
};
