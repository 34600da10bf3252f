import { createHash, randomUUID } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../src/domain/digest.ts';
import { hexOf } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { isMissing, writeFileAtomic } from './files.ts';

/** Everything a registry holds, by digest: `blobs/<2 hex>/<64 hex>`. Which repository may show what is the repositories' business. */
export interface BlobFiles {
  /** Bytes, or undefined when there is no such blob. */
  sizeOf(digest: Digest): number | undefined;
  pathOf(digest: Digest): string;
  read(digest: Digest): Buffer;
  stream(digest: Digest, range?: { readonly start: number; readonly end: number }): Readable;
  /** Stores bytes under their own digest. */
  put(bytes: Uint8Array): Digest;
  /** Moves a finished file in; the caller has checked its digest. */
  adopt(path: string, digest: Digest): void;
  /** Copies a stream in and checks it. @throws Error when the content has another digest */
  copy(source: Readable, digest: Digest): Promise<void>;
}

export function openBlobFiles(directory: string): BlobFiles {
  const pathOf = (digest: Digest): string =>
    join(directory, 'blobs', hexOf(digest).slice(0, 2), hexOf(digest));
  const adopt = (path: string, digest: Digest): void => {
    mkdirSync(dirname(pathOf(digest)), { recursive: true });
    renameSync(path, pathOf(digest));
  };
  return {
    pathOf,
    adopt,
    sizeOf: (digest) => {
      try {
        return statSync(pathOf(digest)).size;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    read: (digest) => readFileSync(pathOf(digest)),
    stream: (digest, range) => createReadStream(pathOf(digest), { highWaterMark: 1024 * 1024, ...range }),
    put: (bytes) => {
      const digest = sha256(bytes);
      writeFileAtomic(pathOf(digest), bytes);
      return digest;
    },
    copy: async (source, digest) => {
      const temporary = join(directory, 'incoming', randomUUID());
      mkdirSync(dirname(temporary), { recursive: true });
      try {
        await copyChecked(source, temporary, digest);
        adopt(temporary, digest);
      } finally {
        rmSync(temporary, { force: true });
      }
    },
  };
}

async function copyChecked(source: Readable, path: string, digest: Digest): Promise<void> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(source, hashing, createWriteStream(path));
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw new Error(`content of ${digest} has the digest ${found}`);
}
