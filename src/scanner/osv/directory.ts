import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { createHasher, sha256 } from '../../domain/sha256.ts';
import { canonicalJson } from '../../json/canonical.ts';
import { knownEcosystems } from '../ecosystems.ts';
import { isRecordName, maxRecordBytes, zipRecords } from './zip.ts';

/** A text file in the database directory that says what a reader of the report must know about it. */
const labelFile = 'LABEL';
const maxLabelBytes = 4096;

interface DatabaseFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly digest: Digest;
}

/** The files of a database directory that this scanner reads, and what identifies them. */
export interface DatabaseFiles {
  readonly directory: string;
  readonly files: readonly DatabaseFile[];
  /** Over paths and contents. */
  readonly digest: Digest;
  readonly label?: string;
}

/**
 * A directory in the layout of the public OSV export: `<ECOSYSTEM>/all.zip`, or unpacked `<ECOSYSTEM>/*.json`. Only the
 * ecosystems that the scanner can match are looked at.
 * @throws NOT_FOUND when there is no such directory: that is not an empty database
 */
export async function inspectDatabase(directory: string): Promise<DatabaseFiles> {
  const paths = (await listDirectory(directory)).filter((name) =>
    knownEcosystems.includes(name.split(':')[0] ?? ''),
  );
  const inside = await Promise.all(
    paths.map(async (name) => {
      const isDirectory = (await stat(join(directory, name))).isDirectory();
      const names = isDirectory ? await readdir(join(directory, name)) : [];
      return names
        .filter((file) => file === 'all.zip' || isRecordName(file))
        .map((file) => `${name}/${file}`);
    }),
  );
  const label = await readLabel(directory);
  const files: DatabaseFile[] = [];
  for (const path of inside.flat().sort())
    files.push({ path, digest: await digestOf(join(directory, path)) });
  const digest = sha256(canonicalJson({ files: files.map((file) => [file.path, file.digest]), label }));
  return { directory, files, digest, ...(label === undefined ? {} : { label }) };
}

/** Every record of the database as bytes; the files must still be the ones that were inspected. */
export async function* databaseRecords(
  database: DatabaseFiles,
): AsyncGenerator<{ readonly where: string; readonly bytes: Uint8Array }> {
  for (const { path, digest } of database.files) {
    const bytes = await readFile(join(database.directory, path));
    if (sha256(bytes) !== digest) {
      throw new AmlpromoteError('OPERATION_FAILED', `advisory database: ${path} changed while it was read`, {
        nextSteps: ['Run again when nobody is updating the database.'],
      });
    }
    if (!path.endsWith('/all.zip')) yield { where: path, bytes };
    else
      for await (const record of zipRecords(bytes, path))
        yield { where: `${path}: ${record.name}`, bytes: record.bytes };
  }
}

async function listDirectory(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    throw new AmlpromoteError('NOT_FOUND', `there is no advisory database at ${directory}`, {
      nextSteps: [
        'Name the directory with --database, or put one at db/ beside the zones manifest: <ECOSYSTEM>/all.zip as in the public OSV export.',
      ],
      cause,
    });
  }
}

async function readLabel(directory: string): Promise<string | undefined> {
  const path = join(directory, labelFile);
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return `${labelFile} is not a file`;
    if (facts.size > maxLabelBytes) return `${labelFile} is larger than ${String(maxLabelBytes)} bytes`;
    return (await readFile(path, 'utf8')).replace(/\s+/g, ' ').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function digestOf(path: string): Promise<Digest> {
  const facts = await stat(path);
  const { size } = facts;
  if (!facts.isFile()) {
    throw new AmlpromoteError('CONTENT_INVALID', `advisory database: ${path} is not a file`, {
      nextSteps: ['Download the export of OSV again, into a directory of its own.'],
    });
  }
  if (path.endsWith('.json') && size > maxRecordBytes) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `advisory database: ${path} is larger than ${String(maxRecordBytes)} bytes`,
    );
  }
  const hasher = createHasher();
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hasher.update(chunk as Uint8Array);
  return hasher.digest();
}
