import { gzipSync } from 'node:zlib';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';

/** One tar record, written byte by byte, so that tests can write what no honest tool writes. */
export interface TarRecord {
  readonly name: string;
  /** Type flag; default '0', a regular file. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly link?: string;
  /** Written into the header instead of the content's length. */
  readonly size?: number | string;
  readonly magic?: string;
  readonly prefix?: string;
  /** Changes the finished header before its checksum is made. */
  readonly patch?: (header: Buffer) => void;
}

export const endOfArchive = Buffer.alloc(1024);

export function tarRecord(record: TarRecord): Buffer {
  const content = Buffer.from(record.content ?? '');
  const header = Buffer.alloc(512);
  header.write(record.name.slice(0, 100), 0, 'utf8');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  const size = record.size ?? content.length;
  header.write(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000\0', 136);
  header.write(record.type ?? '0', 156, 'latin1');
  header.write(record.link ?? '', 157);
  header.write(record.magic ?? 'ustar\x0000', 257, 'latin1');
  header.write(record.prefix ?? '', 345);
  record.patch?.(header);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A pax extended header (`x`) or global header (`g`). */
export function paxRecord(values: Readonly<Record<string, string>>, type: 'x' | 'g' = 'x'): Buffer {
  const lines = Object.entries(values).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest);
    while (String(length).length + Buffer.byteLength(rest) !== length)
      length = String(length).length + Buffer.byteLength(rest);
    return `${String(length)}${rest}`;
  });
  return tarRecord({ name: 'PaxHeader', type, content: lines.join('') });
}

export const tarArchive = (...records: readonly (TarRecord | Buffer)[]): Buffer =>
  Buffer.concat([
    ...records.map((record) => (Buffer.isBuffer(record) ? record : tarRecord(record))),
    endOfArchive,
  ]);

/** Regular files by path, and whiteouts by their names. */
export const tarOfFiles = (files: Readonly<Record<string, string | Uint8Array>>): Buffer =>
  tarArchive(...Object.entries(files).map(([name, content]) => ({ name, content })));

export interface TestLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly blob: Buffer;
}

export function layerOf(
  tar: Buffer,
  compress: (bytes: Buffer) => Buffer = (bytes) => gzipSync(bytes),
): TestLayer {
  const blob = compress(tar);
  return {
    descriptor: {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: sha256(blob),
      size: blob.length,
    },
    diffId: sha256(tar),
    blob,
  };
}
