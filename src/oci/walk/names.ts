import { isUtf8 } from 'node:buffer';

/**
 * A name as text such that two different names never become one: parts that are UTF-8 as they are, in others every byte
 * above 127 as the lone surrogate U+DC00 + byte (as PEP 383 does), which no UTF-8 gives. Part by part, so that a directory
 * has one name whatever else stands in a path.
 */
export function decodeName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  return buffer
    .toString('latin1')
    .split('/')
    .map((part) => {
      const raw = Buffer.from(part, 'latin1');
      return isUtf8(raw) ? raw.toString('utf8') : part.replace(/[\x80-\xff]/g, escaped);
    })
    .join('/');
}

const escaped = (byte: string): string => String.fromCharCode(0xdc00 + byte.charCodeAt(0));

/** For people and documents, which want well-formed text. */
export const printableName = (name: string): string => name.toWellFormed();
