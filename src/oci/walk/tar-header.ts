import { AmlpromoteError } from '../../domain/errors.ts';
import { decodeName } from './names.ts';

/** Tar is made of blocks of this many bytes. */
export const blockSize = 512;

/** `global`: a pax global header, which runtimes see as a member that leaves no file. */
export type TarKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other' | 'global';

/** By the magic values (tar(5)); what has none, or an unknown one, is read as V7. */
export type TarFormat = 'v7' | 'ustar' | 'star' | 'gnu';

export interface TarHeader {
  readonly format: TarFormat;
  /** Type flag, one character. */
  readonly flag: string;
  readonly name: string;
  readonly link: string;
  /** May be negative. */
  readonly size: number;
}

/**
 * One header block, as Go's archive/tar takes it: every numeric field must be one, also those that nobody needs, for one
 * bad field and Go refuses the archive. @throws CONTENT_INVALID
 */
export function readHeader(block: Buffer): TarHeader {
  checkSum(block);
  const format = formatOf(block);
  for (const [offset, length] of numericFields[format]) numeric(block, offset, length);
  const prefix = prefixOf(block, format);
  const name = decodeName(cString(block.subarray(0, 100)));
  return {
    format,
    flag: String.fromCharCode(block[156] ?? 0),
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: decodeName(cString(block.subarray(157, 257))),
    size: safe(numeric(block, 124, 12)),
  };
}

type Field = readonly [offset: number, length: number];

/** Mode, owner, group and time; then the device's two numbers; star has two more times where ustar has its prefix. */
const v7Fields: readonly Field[] = [
  [100, 8],
  [108, 8],
  [116, 8],
  [136, 12],
];
const deviceFields: readonly Field[] = [
  [329, 8],
  [337, 8],
];
const numericFields: Readonly<Record<TarFormat, readonly Field[]>> = {
  v7: v7Fields,
  ustar: [...v7Fields, ...deviceFields],
  star: [...v7Fields, ...deviceFields, [476, 12], [488, 12]],
  gnu: [...v7Fields, ...deviceFields],
};

/** The version of ustar is not looked at: "00" is what the standard has, and others are read alike. */
function formatOf(block: Buffer): TarFormat {
  const magic = block.toString('latin1', 257, 265);
  if (magic.startsWith('ustar\0')) return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
  return magic === 'ustar  \0' ? 'gnu' : 'v7';
}

function prefixOf(block: Buffer, format: TarFormat): string {
  if (format === 'v7') return '';
  if (format === 'gnu' && hasGnuTimes(block)) return '';
  const prefix = cString(block.subarray(345, format === 'star' ? 476 : 500));
  // GNU keeps times where ustar keeps a prefix. Some old writers put a prefix there all the same: only then is it one.
  if (format === 'gnu' && prefix.some((byte) => byte >= 0x80)) return '';
  return decodeName(prefix);
}

function hasGnuTimes(block: Buffer): boolean {
  try {
    for (const offset of [345, 357]) if (block[offset] !== 0) numeric(block, offset, 12);
    return true;
  } catch {
    return false;
  }
}

/** The sum over the header with the checksum field as spaces, of unsigned or (old writers) of signed bytes. */
function checkSum(block: Buffer): void {
  const expected = octal(block, 148, 8);
  let unsigned = 8 * 32;
  let negative = 0;
  for (let index = 0; index < blockSize; index += 1) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] ?? 0;
    unsigned += byte;
    if (byte > 127) negative += 256;
  }
  if (expected !== unsigned && expected !== unsigned - negative)
    throw invalid('a header with a wrong checksum');
}

/** Octal, or big-endian two's complement in base 256 when the first bit is set; 64 bits at most. */
function numeric(block: Buffer, offset: number, length: number): number | bigint {
  const first = block[offset] ?? 0;
  if ((first & 0x80) === 0) return octal(block, offset, length);
  const negative = (first & 0x40) !== 0;
  let value = BigInt(negative ? (first ^ 0xff) & 0x7f : first & 0x7f);
  for (let index = offset + 1; index < offset + length; index += 1) {
    const byte = block[index] ?? 0;
    value = value * 256n + BigInt(negative ? byte ^ 0xff : byte);
  }
  if (value >= 2n ** 63n) throw invalid('a number out of range in a header');
  return negative ? -value - 1n : value;
}

/** Octal digits between spaces and NULs; what stands behind a NUL does not count. */
function octal(block: Buffer, offset: number, length: number): number {
  let from = offset;
  let to = offset + length;
  while (from < to && isBlank(block[from])) from += 1;
  while (to > from && isBlank(block[to - 1])) to -= 1;
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const digit = (block[index] ?? 0) - 0x30;
    if (digit === -0x30) break;
    if (digit < 0 || digit > 7) throw invalid('a header field that is not a number');
    value = value * 8 + digit;
  }
  return value;
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;

/** Sizes beyond 2⁵³ are nobody's. */
export function safe(value: number | bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalid('a number out of range in a header');
  return number;
}

/** The bytes before the first NUL. */
export function cString(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

export const invalid = (what: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `tar archive: ${what}`);
