import type { TokenCredential } from '@azure/identity';
import { AmlpromoteError } from '../../domain/errors.ts';

/** A bearer token that holds for some minutes at least. */
export type TokenSource = (signal?: AbortSignal) => Promise<string>;

/** A token is renewed when less than this is left of it, so that it does not expire in the middle of a request. */
const marginMs = 5 * 60 * 1000;

/**
 * Tokens of one audience (`https://containerregistry.azure.net`), cached; simultaneous callers share one request.
 * @throws what the credential throws
 */
export function tokenSource(credential: TokenCredential, audience: string): TokenSource {
  let current: { readonly token: string; readonly expiresAt: number } | undefined;
  let pending: Promise<string> | undefined;
  const renew = async (signal: AbortSignal | undefined): Promise<string> => {
    const got = await credential.getToken(`${audience}/.default`, signal ? { abortSignal: signal } : {});
    if (got === null) throw new AmlpromoteError('UNAUTHENTICATED', `no token for ${audience}`);
    current = { token: got.token, expiresAt: got.expiresOnTimestamp };
    return got.token;
  };
  return (signal) => {
    if (current && current.expiresAt - Date.now() > marginMs) return Promise.resolve(current.token);
    pending ??= renew(signal).finally(() => (pending = undefined));
    return pending;
  };
}
