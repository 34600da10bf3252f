import { isUtf8 } from 'node:buffer';
import { AmlpromoteError } from '../../domain/errors.ts';

/**
 * Records `LENGTH KEY=VALUE\n` of a pax extended header (POSIX pax, "pax Extended Header"). As strict as Go's archive/tar:
 * one malformed record and the whole archive is refused. A repeated key: the last one counts.
 * @throws CONTENT_INVALID
 */
export function parsePax(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    const wellFormed =
      /^\d{1,7}$/.test(digits) &&
      end <= bytes.length &&
      space < end - 1 &&
      bytes[end - 1] === 0x0a &&
      equals > space + 1;
    if (!wellFormed || equals >= end) throw malformed();
    const key = bytes.toString('utf8', space + 1, equals);
    const value = bytes.subarray(equals + 1, end - 1);
    const isText = key === 'path' || key === 'linkpath' || key === 'uname' || key === 'gname';
    if (key.includes('\0') || (isText && value.includes(0))) throw malformed();
    records.set(key, Buffer.from(value));
    at = end;
  }
  return records;
}

/** UTF-8 where it is; otherwise Latin-1, so that two different names never become one. */
export const decodeName = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(isUtf8(bytes) ? 'utf8' : 'latin1');

const malformed = (): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', 'tar archive: a malformed pax extended header');
