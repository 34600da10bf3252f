import { createHash, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  createWriteStream,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readJson, writeJson } from '../store/files.ts';

/** The committed state of one blob. */
export interface BlobRecord {
  readonly name: string;
  readonly type: 'BlockBlob' | 'AppendBlob';
  readonly size: number;
  /** Quoted, as in the header. */
  readonly etag: string;
  readonly contentType: string;
  /** Base64; only of blobs that were written in one piece. */
  readonly md5?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly modifiedAt: string;
  /** File name of the content. */
  readonly file: string;
}

export interface BlobProperties {
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Content that was received but is not yet anybody's. */
export interface Received {
  readonly file: string;
  readonly size: number;
  /** Base64. */
  readonly md5: string;
}

/** Containers and blobs of one storage account; every change is on disk when the method returns. */
export interface BlobStore {
  containers(): string[];
  hasContainer(container: string): boolean;
  createContainer(container: string): void;
  get(container: string, name: string): BlobRecord | undefined;
  /** All blobs of a container, in order of name. */
  all(container: string): BlobRecord[];
  /** Writes bytes to a file that `commit` takes or `discard` removes. */
  receive(container: string, body: Readable): Promise<Received>;
  commit(container: string, name: string, received: Received, properties: BlobProperties): BlobRecord;
  discard(container: string, received: Received): void;
  readReceived(container: string, received: Received): Promise<Readable>;
  /** The content's bytes `start` to `end`, both included. */
  read(container: string, blob: BlobRecord, start: number, end: number): Promise<Readable>;
  /** Adds to the end; makes the blob when it is not there. For logs that grow while they are read. */
  append(container: string, name: string, bytes: Uint8Array): void;
  /** Replaces what is said of a blob; its content stays. */
  describe(container: string, blob: BlobRecord, change: BlobProperties): BlobRecord;
  remove(container: string, name: string): boolean;
}

interface Clock {
  now(): Date;
}

export function openBlobStore(directory: string, clock: Clock): BlobStore {
  mkdirSync(directory, { recursive: true });
  const containers = new Map<string, Map<string, BlobRecord>>();
  for (const name of readdirSync(directory)) containers.set(name, loadContainer(join(directory, name)));

  const blobsOf = (container: string): Map<string, BlobRecord> => {
    const blobs = containers.get(container);
    if (!blobs) throw new Error(`no such container: ${container}`);
    return blobs;
  };
  const save = (container: string, record: BlobRecord): BlobRecord => {
    const before = blobsOf(container).get(record.name);
    writeJson(join(directory, container, recordFile(record.name)), record);
    blobsOf(container).set(record.name, record);
    if (before && before.file !== record.file)
      rmSync(join(directory, container, before.file), { force: true });
    return record;
  };
  const stamp = (container: string, name: string) => {
    const modifiedAt = clock.now().toISOString();
    const createdAt = blobsOf(container).get(name)?.createdAt ?? modifiedAt;
    return {
      createdAt,
      modifiedAt,
      etag: `"0x${randomUUID().replaceAll('-', '').slice(0, 15).toUpperCase()}"`,
    };
  };

  return {
    containers: () => [...containers.keys()].sort(),
    hasContainer: (container) => containers.has(container),
    createContainer(container) {
      mkdirSync(join(directory, container), { recursive: true });
      if (!containers.has(container)) containers.set(container, new Map());
    },
    get: (container, name) => containers.get(container)?.get(name),
    all: (container) => [...blobsOf(container).values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    receive: (container, body) => receive(join(directory, container), body),
    commit: (container, name, received, properties) =>
      save(container, {
        name,
        type: 'BlockBlob',
        size: received.size,
        ...stamp(container, name),
        contentType: properties.contentType ?? 'application/octet-stream',
        ...(received.md5 === '' ? {} : { md5: received.md5 }),
        metadata: properties.metadata ?? {},
        file: received.file,
      }),
    discard: (container, received) => rmSync(join(directory, container, received.file), { force: true }),
    readReceived: async (container, received) =>
      (await open(join(directory, container, received.file))).createReadStream(),
    async read(container, blob, start, end) {
      if (end < start) return Readable.from([]);
      // Opened before anything is answered: a blob that is overwritten meanwhile stays readable to its end.
      const file = await open(join(directory, container, blob.file));
      return file.createReadStream({ start, end });
    },
    append(container, name, bytes) {
      const before = blobsOf(container).get(name);
      const file = before?.file ?? `${randomUUID()}.data`;
      const path = join(directory, container, file);
      if (before) appendFileSync(path, bytes);
      else writeFileSync(path, bytes);
      const record: BlobRecord = {
        name,
        type: 'AppendBlob',
        ...stamp(container, name),
        size: (before?.size ?? 0) + bytes.byteLength,
        contentType: 'text/plain',
        metadata: {},
        file,
      };
      // The record of a growing blob is written once: its size is read from the file at the next start.
      if (before) blobsOf(container).set(name, record);
      else save(container, record);
    },
    describe: (container, blob, { contentType, metadata }) =>
      save(container, {
        ...blob,
        ...stamp(container, blob.name),
        ...(contentType !== undefined && { contentType }),
        ...(metadata !== undefined && { metadata }),
      }),
    remove(container, name) {
      const record = containers.get(container)?.get(name);
      if (!record) return false;
      rmSync(join(directory, container, recordFile(name)), { force: true });
      rmSync(join(directory, container, record.file), { force: true });
      return blobsOf(container).delete(name);
    },
  };
}

/** Blob names may be longer than file names: the file is named by their hash. */
const recordFile = (name: string): string => `${createHash('sha256').update(name).digest('hex')}.json`;

function loadContainer(directory: string): Map<string, BlobRecord> {
  const blobs = new Map<string, BlobRecord>();
  const files = readdirSync(directory);
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const record = readJson(join(directory, file)) as BlobRecord;
    const { size } = statSync(join(directory, record.file));
    blobs.set(record.name, { ...record, size });
  }
  const known = new Set([...blobs.values()].map(({ file }) => file));
  // Received before the last stop and never committed.
  for (const file of files)
    if (!file.endsWith('.json') && !known.has(file)) rmSync(join(directory, file), { force: true });
  return blobs;
}

async function receive(directory: string, body: Readable): Promise<Received> {
  const file = `${randomUUID()}.data`;
  const hash = createHash('md5');
  let size = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.byteLength;
      done(null, chunk);
    },
  });
  try {
    await pipeline(body, counting, createWriteStream(join(directory, file)));
  } catch (error) {
    rmSync(join(directory, file), { force: true });
    throw error;
  }
  return { file, size, md5: hash.digest('base64') };
}
