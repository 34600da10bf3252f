import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { readOptional, writeFileAtomic } from '../store/files.ts';

export type Claims = Readonly<Record<string, unknown>> & {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  /** Seconds since the epoch. */
  readonly exp: number;
};

/** Signs and checks every token of this sandbox: Entra access tokens, ACR tokens, workload assertions, download URLs. */
export interface TokenKey {
  /** The public half (RFC 7517). */
  readonly jwk: object;
  issue(claims: Claims): string;
  /** The claims, when the signature is ours, the token is not expired and meant for this issuer and audience. */
  check(token: string, expected: { readonly iss: string; readonly aud: string }, now: Date): TokenCheck;
}

export type TokenCheck =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly why: 'malformed' | 'signature' | 'issuer' | 'audience' | 'expired' };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The key survives restarts, so tokens and token files handed out before stay good. */
export function openTokenKey(stateDirectory: string): TokenKey {
  const path = join(stateDirectory, 'token-key.pem');
  const pem = readOptional(path) ?? createPem(path);
  const key = createPrivateKey(pem);
  const publicKey = createPublicKey(key);
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'sandbox', use: 'sig', alg: 'ES256' },
    issue: (claims) => issue(key, claims),
    check: checker(publicKey),
  };
}

function createPem(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileAtomic(path, pem, 0o600);
  return pem;
}

function issue(key: KeyObject, claims: Claims): string {
  const signed = `${encode({ alg: 'ES256', typ: 'JWT', kid: 'sandbox' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

const checker =
  (key: KeyObject): TokenKey['check'] =>
  (token, expected, now) => {
    const [header, payload, signature, ...rest] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
      return { ok: false, why: 'malformed' };
    const signed = Buffer.from(`${header}.${payload}`);
    const raw = Buffer.from(signature, 'base64url');
    if (raw.byteLength !== 64 || !verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, raw))
      return { ok: false, why: 'signature' };
    // Signed by us, so its shape is ours.
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
    if (claims.iss !== expected.iss) return { ok: false, why: 'issuer' };
    if (claims.aud !== expected.aud) return { ok: false, why: 'audience' };
    if (claims.exp * 1000 <= now.getTime()) return { ok: false, why: 'expired' };
    return { ok: true, claims };
  };
