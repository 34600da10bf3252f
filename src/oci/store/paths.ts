import { join } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';

/**
 * Where things are in a store. `oci-layout`, `index.json` and `blobs/` are the OCI image layout (image-spec,
 * image-layout.md) that other tools read; the rest is ours and ignored by them.
 */
export interface StorePaths {
  readonly root: string;
  readonly layout: string;
  readonly index: string;
  readonly blobs: string;
  /** Temporary files, in the same file system as the blobs so that they can be renamed into place. */
  readonly temporary: string;
  /** Blobs that were found to be corrupt, moved out of the way so that the next write of the digest repairs it. */
  readonly corrupt: string;
  readonly locks: string;
  /** One file per process that writes: what it touched since then is not pruned. */
  readonly sessions: string;
  /** diffID → compressed layer. */
  readonly diffIds: string;
}

export const storePaths = (root: string): StorePaths => ({
  root,
  layout: join(root, 'oci-layout'),
  index: join(root, 'index.json'),
  blobs: join(root, 'blobs', 'sha256'),
  temporary: join(root, 'tmp'),
  corrupt: join(root, 'corrupt'),
  locks: join(root, 'locks'),
  sessions: join(root, 'sessions'),
  diffIds: join(root, 'diffids', 'sha256'),
});

export const blobPath = (paths: StorePaths, digest: Digest): string => join(paths.blobs, hexOf(digest));
