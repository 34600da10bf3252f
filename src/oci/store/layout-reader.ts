import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { sha256 } from '../../domain/sha256.ts';
import { objectOf } from '../descriptor.ts';
import { mismatch } from '../verified.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { ContentReader } from '../../ports/content.ts';
import { isMissing } from './files.ts';
import { blobPath, storePaths } from './paths.ts';

/**
 * Someone else's OCI image layout, read by digest and nothing else: its index.json is not looked at, so its names cannot
 * mislead, and the directory is never written. Referrers are not listed.
 */
export function openLayout(directory: string): ContentReader {
  const paths = storePaths(directory);
  const read: ContentReader['manifest'] = async (reference) => {
    if (!isDigest(reference)) return undefined;
    const bytes = await readSmall(blobPath(paths, reference));
    if (!bytes) return undefined;
    const descriptor = { mediaType: typeOf(bytes, reference), digest: reference, size: bytes.byteLength };
    if (sha256(bytes) !== reference) throw mismatch(descriptor, 'other bytes');
    return { descriptor, bytes };
  };
  return {
    resolve: async (reference) => (await read(reference))?.descriptor,
    manifest: read,
    blob: async (descriptor) => {
      const file = blobPath(paths, descriptor.digest);
      try {
        await stat(file);
      } catch (error) {
        if (isMissing(error)) throw missing(directory, descriptor.digest);
        throw error;
      }
      return createReadStream(file, { highWaterMark: 512 * 1024 });
    },
    referrers: () => Promise.resolve([]),
  };
}

const missing = (directory: string, digest: Digest): AmlpromoteError =>
  new AmlpromoteError('LISTED_CONTENT_MISSING', `the image layout ${directory} does not have ${digest}`, {
    nextSteps: ['The layout is incomplete: make it again.'],
  });

/** Without its index there is no descriptor to say what a manifest is: it says so itself, or its members do. */
function typeOf(bytes: Uint8Array, where: string): string {
  const body = objectOf(parseStrictJson(bytes, { where }), where);
  if (typeof body.mediaType === 'string') return body.mediaType;
  if (Array.isArray(body.manifests)) return mediaTypes.ociIndex;
  return mediaTypes.ociManifest;
}

async function readSmall(file: string): Promise<Uint8Array | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > maxManifestBytes) {
        throw new AmlpromoteError('CONTENT_INVALID', `${file} is too large for a manifest`);
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
