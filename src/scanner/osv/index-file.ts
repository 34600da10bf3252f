import { createHash, randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../files/make-directory.ts';
import type { Seal } from '../../ports/seal.ts';

/**
 * A file of byte slices behind which stands a table of contents (any JSON), then a footer of fixed length:
 * `<offset of the table, 16 digits> <seal over all before, hex>\n`. Slices are read one at a time; the table stays in memory.
 */
const footerLength = 16 + 1 + 64 + 1;

/** Who seals the file, and what it is about. */
export interface Sealing {
  readonly seal: Seal;
  readonly parts: readonly string[];
}

const partsOf = ({ parts }: Sealing, offset: string, digest: string): readonly string[] => [
  ...parts,
  offset,
  digest,
];

/** Offset and length in bytes. */
export type Slice = readonly [number, number];

export interface SliceReader {
  readonly table: unknown;
  read(slice: Slice): Promise<string>;
  close(): Promise<void>;
}

/** Collects slices: in memory, and from there at once into a file where one is wanted. */
export class SliceWriter {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  append(text: string): Slice {
    const bytes = Buffer.from(`${text}\n`);
    const slice: Slice = [this.#length, bytes.length - 1];
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return slice;
  }

  /** Atomic: temporary file, fsync, rename. @throws what the file system throws */
  async save(path: string, table: unknown, sealing: Sealing): Promise<void> {
    const content = [...this.#chunks, Buffer.from(JSON.stringify(table))];
    const digest = createHash('sha256');
    for (const chunk of content) digest.update(chunk);
    const offset = String(this.#length).padStart(16, '0');
    const seal = sealing.seal.seal('advisory-index', partsOf(sealing, offset, digest.digest('hex')));
    const footer = `${offset} ${seal}\n`;
    const temporary = `${path}.${randomUUID()}.tmp`;
    makeDirectory(dirname(path));
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writev([...content, Buffer.from(footer)]);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** The same slices without a file. */
  reader(table: unknown): SliceReader {
    const bytes = Buffer.concat(this.#chunks);
    return {
      table,
      read: ([offset, length]) => Promise.resolve(bytes.toString('utf8', offset, offset + length)),
      close: () => Promise.resolve(),
    };
  }
}

/** Undefined when there is no such file, or none that is whole and sealed here. */
export async function openSlices(path: string, sealing: Sealing): Promise<SliceReader | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    const footer = await readAt(file, size - footerLength, footerLength);
    const [offset = '', seal] = footer.trimEnd().split(' ');
    const parts = partsOf(sealing, offset, await digestOf(file, size - footerLength));
    if (!sealing.seal.isSealed('advisory-index', parts, seal)) throw new TypeError('damaged');
    const body = await readAt(file, Number(offset), size - footerLength - Number(offset));
    const table = JSON.parse(body) as unknown;
    const opened = file;
    return {
      table,
      read: ([from, length]) => readAt(opened, from, length),
      close: () => opened.close(),
    };
  } catch {
    await file?.close();
    return undefined;
  }
}

async function digestOf(file: FileHandle, length: number): Promise<string> {
  const running = createHash('sha256');
  const buffer = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at);
    if (bytesRead === 0) throw new TypeError('damaged');
    running.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return running.digest('hex');
}

async function readAt(file: FileHandle, position: number, length: number): Promise<string> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new TypeError('damaged');
  return buffer.toString('utf8');
}
