import type { Clock } from '../../ports/clock.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { protocolError } from './errors.ts';

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the epoch on *our* clock. */
  readonly expiresAt: number;
}

/** Tokens by key until shortly before they expire; one request in flight per key. */
export interface TokenCache {
  get(key: string, issue: () => Promise<IssuedToken>): Promise<string>;
  /** Forgets `key` if it still holds that token. */
  drop(key: string, token: string): void;
}

export function createTokenCache(clock: Clock): TokenCache {
  const issued = new Map<string, IssuedToken>();
  const pending = new Map<string, Promise<IssuedToken>>();
  return {
    async get(key, issue) {
      const known = issued.get(key);
      if (known && clock.now().getTime() < known.expiresAt) return known.token;
      const running = pending.get(key) ?? issue().finally(() => pending.delete(key));
      pending.set(key, running);
      const fresh = await running;
      issued.set(key, fresh);
      return fresh.token;
    },
    drop(key, token) {
      if (issued.get(key)?.token === token) issued.delete(key);
    },
  };
}

/**
 * The token named `names[0]`, or else `names[1]` …, of a token endpoint's answer. Its lifetime comes from `expires_in`, or from
 * the claims of a JWT (read, not believed: it only decides when to ask again), counted from now because clocks differ
 * (threat 37); by default 60 s as the token specification says. A tenth of it, at most a minute, is kept as margin.
 */
export function issuedToken(
  body: Uint8Array,
  names: readonly string[],
  host: string,
  now: Date,
): IssuedToken {
  const where = `${host}: token`;
  const parsed = parseStrictJson(body, { where, maxBytes: 128 * 1024 });
  const fields: Record<string, unknown> = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  const token = names.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '');
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw protocolError(host, `the token endpoint answers without a usable ${names[0] ?? 'token'}`);
  }
  const seconds = typeof fields.expires_in === 'number' ? fields.expires_in : (lifetimeOf(token, now) ?? 60);
  const margin = Math.min(60, seconds / 10);
  return { token, expiresAt: now.getTime() + Math.max(0, seconds - margin) * 1000 };
}

function lifetimeOf(token: string, now: Date): number | undefined {
  const [, claims, ...rest] = token.split('.');
  if (claims === undefined || rest.length !== 1) return undefined;
  try {
    const { exp, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
    if (typeof exp !== 'number') return undefined;
    return exp - (typeof iat === 'number' ? iat : now.getTime() / 1000);
  } catch {
    return undefined;
  }
}
