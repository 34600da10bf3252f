import type { Readable } from 'node:stream';
import { inflateRawSync } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { AmlpromoteError } from '../../domain/errors.ts';

/** Larger records are refused: the largest public one has about 2 MiB. */
export const maxRecordBytes = 8 * 1024 * 1024;
const maxEntries = 2_000_000;
const maxTotalBytes = 16 * 1024 ** 3;

/** A record's file name; anything else in an archive or a directory is no record and is left alone. */
export const isRecordName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._:-]{0,200}\.json$/.test(name);

/**
 * The records of an `all.zip` in the order of the archive. Entries with other names (directories, `../x`) are ignored.
 * @throws CONTENT_INVALID when the archive is damaged, or has more or larger entries than a database can have (threat 20)
 */
export async function* zipRecords(
  bytes: Buffer,
  where: string,
): AsyncGenerator<{ readonly name: string; readonly bytes: Buffer }> {
  const { fromBuffer } = await import('yauzl');
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    // Names as bytes: the library would stop at the first hostile one.
    fromBuffer(
      bytes,
      { lazyEntries: true, decodeStrings: false, validateEntrySizes: true },
      (error, file) => {
        if (error) reject(invalid(where, error.message, error));
        else resolve(file);
      },
    );
  });
  if (zip.entryCount > maxEntries) throw invalid(where, `more than ${String(maxEntries)} entries`);
  let total = 0;
  for (let entry = await nextEntry(zip, where); entry !== undefined; entry = await nextEntry(zip, where)) {
    const name = (entry.fileName as unknown as Buffer).toString('latin1');
    if (!isRecordName(name)) continue;
    total += entry.uncompressedSize;
    if (entry.uncompressedSize > maxRecordBytes || total > maxTotalBytes)
      throw invalid(where, `${name} is too large`);
    yield { name, bytes: await readEntry(zip, entry, where) };
  }
}

async function nextEntry(zip: ZipFile, where: string): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      zip.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error');
    };
    zip.once('entry', (entry: Entry) => {
      finish();
      resolve(entry);
    });
    zip.once('end', () => {
      finish();
      resolve(undefined);
    });
    zip.once('error', (error: Error) => {
      finish();
      reject(invalid(where, error.message, error));
    });
    zip.readEntry();
  });
}

async function readEntry(zip: ZipFile, entry: Entry, where: string): Promise<Buffer> {
  const raw = { decompress: entry.isCompressed() ? false : null, decrypt: null, start: null, end: null };
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, raw, (error, opened) => {
        if (error) reject(error);
        else resolve(opened);
      });
    });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const stored = Buffer.concat(chunks);
    if (!entry.isCompressed()) return stored;
    // At once: a stream for each of many small records costs more than the work itself.
    const bytes = inflateRawSync(stored, { maxOutputLength: Math.max(entry.uncompressedSize, 1) });
    if (bytes.length !== entry.uncompressedSize) throw new TypeError('an entry with a wrong size');
    return bytes;
  } catch (error) {
    throw invalid(where, error instanceof Error ? error.message : 'unreadable', error);
  }
}

const invalid = (where: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `advisory database ${where}: ${why}`, {
    nextSteps: ['Fetch the database again, e.g. all.zip of each ecosystem from the public OSV export.'],
    cause,
  });
