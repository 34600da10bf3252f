import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Descriptor } from '../src/domain/descriptor.ts';
import type { Digest } from '../src/domain/digest.ts';
import { hexOf, parseDigest } from '../src/domain/digest.ts';
import type { ContentReader } from '../src/ports/content.ts';

/** The one image of a benchmark's OCI layout, to seed stores and registries from. */
export function layoutReader(directory: string, root: Descriptor): ContentReader {
  const file = (digest: Digest): string => path.join(directory, 'blobs', 'sha256', hexOf(digest));
  return {
    resolve: async () => root,
    manifest: async (reference) => ({
      descriptor: root,
      bytes: await readFile(file(parseDigest(reference))),
    }),
    blob: async (descriptor) => createReadStream(file(descriptor.digest), { highWaterMark: 1024 * 1024 }),
    referrers: async () => [],
  };
}
