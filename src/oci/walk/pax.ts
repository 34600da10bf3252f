import { AmlpromoteError } from '../../domain/errors.ts';

/** Of an extended header, the last value of each key; bytes, for not all writers keep to UTF-8. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/** The keys that say which parts of a file in GNU's sparse format 0.0 are stored; they come many times, in turn. */
const sparseKeys = ['GNU.sparse.offset', 'GNU.sparse.numbytes'] as const;
const textKeys = new Set(['path', 'linkpath', 'uname', 'gname']);
const times = new Set(['atime', 'mtime', 'ctime']);
const integers = new Set(['uid', 'gid', 'size']);

/**
 * Records `LENGTH KEY=VALUE\n` of a pax extended header (POSIX pax, "pax Extended Header"). As strict as Go's archive/tar:
 * one malformed record and the whole archive is refused. A repeated key: the last one counts.
 * @throws CONTENT_INVALID
 */
export function parsePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  const map: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { key, value, end } = recordAt(bytes, at);
    if (key === sparseKeys[0] || key === sparseKeys[1]) {
      if (key !== sparseKeys[map.length % 2] || value.includes(',')) throw malformed();
      map.push(value.toString('latin1'));
    } else records.set(key, Buffer.from(value));
    at = end;
  }
  if (map.length > 0) records.set('GNU.sparse.map', Buffer.from(map.join(','), 'latin1'));
  return records;
}

function recordAt(bytes: Buffer, at: number): { key: string; value: Buffer; end: number } {
  const space = bytes.indexOf(0x20, at);
  const length = space < 0 ? undefined : parseInteger(bytes.toString('latin1', at, space));
  if (length === undefined || length < 5n || length > BigInt(bytes.length - at)) throw malformed();
  const end = at + Number(length);
  const equals = bytes.indexOf(0x3d, space + 1);
  const wellFormed = space + 1 < end && bytes[end - 1] === 0x0a && equals > space + 1 && equals < end;
  if (!wellFormed) throw malformed();
  const key = bytes.toString('latin1', space + 1, equals);
  const value = bytes.subarray(equals + 1, end - 1);
  if (textKeys.has(key) ? value.includes(0) : key.includes('\0')) throw malformed();
  return { key, value, end };
}

/** The value of a key, or undefined when there is none or an empty one, which leaves the header's value as it is. */
export const paxValue = (records: PaxRecords | undefined, key: string): Buffer | undefined => {
  const value = records?.get(key);
  return value === undefined || value.length === 0 ? undefined : value;
};

/** Numbers must be ones, also those that nobody needs: Go refuses the archive otherwise. @throws CONTENT_INVALID */
export function checkPaxNumbers(records: PaxRecords): void {
  for (const [key, value] of records) {
    const text = value.toString('latin1');
    if (text === '') continue;
    const fine = times.has(key) ? isTime(text) : !integers.has(key) || parseInteger(text) !== undefined;
    if (!fine) throw new AmlpromoteError('CONTENT_INVALID', `tar archive: a pax ${key} that is not a number`);
  }
}

/** Decimal, maybe with a sign, within 64 bits: what Go's ParseInt takes. */
export function parseInteger(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,100}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined;
}

function isTime(text: string): boolean {
  const [seconds = '', ...fraction] = text.split('.');
  return parseInteger(seconds) !== undefined && /^\d*$/.test(fraction.join('.'));
}

const malformed = (): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', 'tar archive: a malformed pax extended header');
