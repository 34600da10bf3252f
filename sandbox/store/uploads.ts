import type { Hash } from 'node:crypto';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../src/domain/digest.ts';
import { parseDigest } from '../../src/domain/digest.ts';

/** One blob upload under way. Bytes that arrived before a connection broke stay: the client asks for `offset` and goes on. */
export interface Upload {
  readonly id: string;
  readonly path: string;
  /** Bytes received. */
  readonly offset: number;
  /** When no request writes into it any more; a broken connection ends its request a moment after the client knows. */
  idle(): Promise<void>;
  append(source: Readable): Promise<void>;
  /** Of all bytes received. */
  digest(): Promise<Digest>;
}

export interface Uploads {
  start(repository: string): Upload;
  /** Also one that was started before a restart. */
  find(repository: string, id: string): Upload | undefined;
  /** Forgets it; what was moved away is left alone. */
  drop(upload: Upload): void;
}

export function openUploads(directory: string): Uploads {
  const open = new Map<string, FileUpload>();
  const pathOf = (repository: string, id: string): string =>
    join(directory, encodeURIComponent(repository), id);
  return {
    start: (repository) => {
      const id = randomUUID();
      const path = pathOf(repository, id);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
      const upload = new FileUpload(id, path, createHash('sha256'));
      open.set(path, upload);
      return upload;
    },
    find: (repository, id) => {
      if (!/^[0-9a-f-]{36}$/.test(id)) return undefined;
      const path = pathOf(repository, id);
      const known = open.get(path);
      if (known || !existsSync(path)) return known;
      const resumed = new FileUpload(id, path, undefined);
      open.set(path, resumed);
      return resumed;
    },
    drop: (upload) => {
      open.delete(upload.path);
      rmSync(upload.path, { force: true });
    },
  };
}

class FileUpload implements Upload {
  readonly id: string;
  readonly path: string;
  offset: number;
  #writing: Promise<void> = Promise.resolve();
  /** Undefined after a restart: then the file is read back once. */
  #hash: Hash | undefined;

  constructor(id: string, path: string, hash: Hash | undefined) {
    this.id = id;
    this.path = path;
    this.offset = statSync(path).size;
    this.#hash = hash;
  }

  async idle(): Promise<void> {
    let last: Promise<void>;
    do {
      last = this.#writing;
      await last.catch(() => undefined);
    } while (last !== this.#writing);
  }

  append(source: Readable): Promise<void> {
    this.#writing = this.#write(source);
    return this.#writing;
  }

  async #write(source: Readable): Promise<void> {
    const file = await open(this.path, 'r+');
    try {
      const hash = await this.#hashed();
      for await (const chunk of source as AsyncIterable<Buffer>) {
        await writeFully(file, chunk, this.offset);
        hash.update(chunk);
        this.offset += chunk.byteLength;
      }
    } finally {
      await file.close();
    }
  }

  async digest(): Promise<Digest> {
    const hash = await this.#hashed();
    return parseDigest(`sha256:${hash.copy().digest('hex')}`);
  }

  async #hashed(): Promise<Hash> {
    if (this.#hash) return this.#hash;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(this.path) as AsyncIterable<Buffer>) hash.update(chunk);
    this.#hash = hash;
    return hash;
  }
}

async function writeFully(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position + done);
    done += bytesWritten;
  }
}
