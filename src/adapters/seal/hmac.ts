import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Seal, SealPurpose } from '../../ports/seal.ts';

const form = 'amlpromote/seal/v1';

/** HMAC-SHA-256 (RFC 2104), hex, over form, purpose and parts, each behind its length in bytes: no two records read alike. */
export function hmacSeal(key: Uint8Array): Seal {
  const seal = (purpose: SealPurpose, parts: readonly string[]): string => {
    const mac = createHmac('sha256', key);
    for (const part of [form, purpose, ...parts]) {
      const bytes = Buffer.from(part, 'utf8');
      mac.update(`${String(bytes.byteLength)}:`).update(bytes);
    }
    return mac.digest('hex');
  };
  return {
    seal,
    isSealed(purpose, parts, given) {
      const expected = Buffer.from(seal(purpose, parts), 'latin1');
      const actual = Buffer.from(given ?? '', 'latin1');
      return actual.byteLength === expected.byteLength && timingSafeEqual(actual, expected);
    },
  };
}
