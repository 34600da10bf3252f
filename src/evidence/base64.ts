import { malformed } from './check.ts';

/** Canonical base64 (RFC 4648 §4) only: one text for one value, so nothing can hide in padding bits. @throws CONTENT_INVALID */
export function fromBase64(text: string, where: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) malformed(where, 'not canonical base64');
  return bytes;
}

/** Canonical base64url without padding (RFC 7515 §2). @throws CONTENT_INVALID */
export function fromBase64Url(text: string, where: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) malformed(where, 'not canonical base64url');
  return bytes;
}
