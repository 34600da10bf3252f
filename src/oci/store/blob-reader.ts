import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Descriptor } from '../../domain/descriptor.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { createHasher } from '../../domain/sha256.ts';
import { isMissing } from './files.ts';
import type { StorePaths } from './paths.ts';
import { blobPath } from './paths.ts';

const readSize = 512 * 1024;

/**
 * The bytes of a blob. They are hashed on the way and the stream ends in STORE_CORRUPT instead of `end` when they are not
 * what their name says: only the store can tell a bad disk from a lying registry. The bad file is moved aside, so that
 * the next write of the digest repairs it.
 * @throws LISTED_CONTENT_MISSING when it is not there; STORE_CORRUPT when the size is wrong
 */
export async function openBlob(paths: StorePaths, descriptor: Descriptor): Promise<Readable> {
  const { digest } = descriptor;
  let handle: FileHandle;
  try {
    handle = await open(blobPath(paths, digest), 'r');
  } catch (error) {
    if (isMissing(error)) throw missingBlob(paths, digest);
    throw error;
  }
  try {
    const facts = await handle.stat({ bigint: true });
    if (facts.size === BigInt(descriptor.size)) return checkedStream(paths, handle, digest, facts);
    // A wrong size in the descriptor is not the store's fault: only the digest decides who is wrong.
    await finished(checkedStream(paths, handle, digest, facts).resume());
    throw new AmlpromoteError(
      'INTEGRITY_MISMATCH',
      `content ${digest} has ${String(facts.size)} bytes, not ${String(descriptor.size)} as its descriptor says`,
      { nextSteps: ['Do not use the manifest that says so: whoever made it lies or is broken.'] },
    );
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
}

/** A manifest's bytes, checked. Undefined when it is not there, or is larger than any manifest may be. */
export async function readChecked(paths: StorePaths, digest: Digest): Promise<Uint8Array | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(blobPath(paths, digest), 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const facts = await handle.stat({ bigint: true });
  if (facts.size > BigInt(maxManifestBytes)) {
    await handle.close();
    return undefined;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of checkedStream(paths, handle, digest, facts)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export const missingBlob = (paths: StorePaths, digest: Digest): AmlpromoteError =>
  new AmlpromoteError('LISTED_CONTENT_MISSING', `${digest} is not in the store ${paths.root}`, {
    nextSteps: ['Run the step that makes it again (build, or import): it is fetched or built anew.'],
  });

function checkedStream(paths: StorePaths, handle: FileHandle, digest: Digest, facts: BigIntStats): Readable {
  const hasher = createHasher();
  let position = 0;
  return new Readable({
    highWaterMark: readSize,
    read() {
      const buffer = Buffer.allocUnsafeSlow(readSize);
      handle
        .read(buffer, 0, readSize, position)
        .then(
          async ({ bytesRead }) => {
            if (bytesRead > 0) {
              position += bytesRead;
              const chunk = buffer.subarray(0, bytesRead);
              hasher.update(chunk);
              this.push(chunk);
            } else if (hasher.digest() === digest) {
              this.push(null);
            } else {
              this.destroy(await corruptBlob(paths, digest, facts));
            }
          },
          (error: unknown) => this.destroy(error as Error),
        )
        .catch((error: unknown) => this.destroy(error as Error));
    },
    destroy(error, done) {
      handle.close().then(
        () => done(error),
        () => done(error),
      );
    },
  });
}

async function corruptBlob(paths: StorePaths, digest: Digest, facts: BigIntStats): Promise<AmlpromoteError> {
  const file = blobPath(paths, digest);
  let moved = '';
  try {
    // Another process may have repaired it since it was opened: then the file of that name is another one.
    const now = await stat(file, { bigint: true });
    if (now.ino === facts.ino && now.dev === facts.dev) {
      moved = join(paths.corrupt, hexOf(digest));
      await rename(file, moved);
    }
  } catch (error) {
    if (!isMissing(error)) moved = '';
  }
  return new AmlpromoteError(
    'STORE_CORRUPT',
    `the store's file ${file} does not have the content that its name says${moved === '' ? '' : `; moved to ${moved}`}`,
    {
      nextSteps: [
        'Run the same command again: what is missing is built or fetched anew, and the store is whole again.',
        'If this happens more than once, check the disk.',
      ],
    },
  );
}
