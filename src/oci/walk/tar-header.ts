import { AmlpromoteError } from '../../domain/errors.ts';
import { decodeName } from './pax.ts';

/** Tar is made of blocks of this many bytes. */
export const blockSize = 512;

export type TarKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** By the type flag; very old writers mark a directory by a slash only. */
export function kindOf(flag: string, path: string): TarKind {
  if (flag === '1') return 'hardlink';
  if (flag === '2') return 'symlink';
  if (flag === '5' || (flag === '\0' && path.endsWith('/'))) return 'directory';
  return '\x0007S'.includes(flag) ? 'file' : 'other';
}

/** The name as the header alone gives it. @throws CONTENT_INVALID */
export function headerName(block: Buffer): string {
  const name = decodeName(cString(block.subarray(0, 100)));
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar\x0000') {
    const star = block.toString('latin1', 508, 512) === 'tar\0';
    const prefix = decodeName(cString(block.subarray(345, star ? 476 : 500)));
    return prefix === '' ? name : `${prefix}/${name}`;
  }
  // GNU keeps times where ustar keeps a prefix; some old writers put a prefix there all the same.
  if (
    magic === 'ustar  \0' &&
    !/^[0-7 \0]*$/.test(block.toString('latin1', 345, 369)) &&
    (block[345] ?? 0) < 0x80
  ) {
    throw invalid('a GNU header with a ustar prefix');
  }
  return name;
}

/** The sum over the header with the checksum field as spaces, of unsigned or (old writers) of signed bytes. */
export function checkSum(block: Buffer): void {
  const expected = numeric(block, 148, 8);
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

/** Octal digits between spaces and NULs, or big-endian base 256 when the first bit is set. */
export function numeric(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    if (first & 0x40) throw invalid('a negative number in a header');
    for (let index = offset + 1; index < offset + length; index += 1)
      value = value * 256 + (block[index] ?? 0);
    if (!Number.isSafeInteger(value)) throw invalid('a number out of range in a header');
    return value;
  }
  const text = block.toString('latin1', offset, offset + length).replace(/^[ \0]+|[ \0]+$/g, '');
  if (!/^[0-7]*$/.test(text)) throw invalid('a header field that is not a number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** The bytes before the first NUL. */
export function cString(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

export const invalid = (what: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `tar archive: ${what}`);
