import { constants, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * The one signature algorithm that belongs to a key. It is derived from the key and only compared with what an envelope
 * claims (threat 16: algorithm substitution).
 */
export interface KeyAlgorithm {
  /** JWS name, RFC 7518. */
  readonly jws: 'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512';
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** Bytes of a raw r‖s signature; undefined for RSA. */
  readonly rawSize?: number;
}

const curves: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: { jws: 'ES256', hash: 'sha256', rawSize: 64 },
  secp384r1: { jws: 'ES384', hash: 'sha384', rawSize: 96 },
  secp521r1: { jws: 'ES512', hash: 'sha512', rawSize: 132 },
};
const moduli: Readonly<Record<number, KeyAlgorithm>> = {
  2048: { jws: 'PS256', hash: 'sha256' },
  3072: { jws: 'PS384', hash: 'sha384' },
  4096: { jws: 'PS512', hash: 'sha512' },
};

/** Notary Project signature-specification, "Signature Algorithm Requirements"; undefined for any other key. */
export function algorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec') return curves[details?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'rsa') return moduli[details?.modulusLength ?? 0];
  return undefined;
}

/** A JWS signature: raw r‖s, or RSASSA-PSS with a salt as long as the hash (RFC 7518 §3.4, §3.5). */
export function verifyJws(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = algorithmOf(key);
  if (!algorithm) return false;
  if (algorithm.rawSize === undefined) {
    return verify(
      algorithm.hash,
      data,
      {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      },
      signature,
    );
  }
  return (
    signature.byteLength === algorithm.rawSize &&
    verify(algorithm.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  );
}

/** A Sigstore signature by an elliptic-curve key: DER. Other key types are not used for attestations here. */
export function verifyDer(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = algorithmOf(key);
  if (algorithm?.rawSize === undefined) return false;
  return verify(algorithm.hash, data, { key, dsaEncoding: 'der' }, signature);
}

/** Raw r‖s to the DER `SEQUENCE { INTEGER r, INTEGER s }` (RFC 3279 §2.2.3). At most 64-byte signatures (P-256). */
export function rawToDer(raw: Uint8Array): Uint8Array {
  if (raw.byteLength !== 64) throw new TypeError('expected a raw P-256 signature of 64 bytes');
  const body = Buffer.concat([derInteger(raw.subarray(0, 32)), derInteger(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.byteLength]), body]);
}

/** Minimal two's complement: no leading zero byte but the one that keeps the number positive. */
function derInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const pad = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([0x02, digits.byteLength + pad.length, ...pad]), digits]);
}
