import { createHash, hash } from 'node:crypto';
import type { Digest } from './digest.ts';
import { parseDigest } from './digest.ts';

/** Digest of bytes that are in memory anyway (manifests, evidence, small blobs). */
export const sha256 = (bytes: Uint8Array | string): Digest =>
  parseDigest(`sha256:${hash('sha256', bytes, 'hex')}`);

/** Running digest for streams. */
export interface Hasher {
  update(chunk: Uint8Array): void;
  digest(): Digest;
}

export function createHasher(): Hasher {
  const running = createHash('sha256');
  return {
    update: (chunk) => void running.update(chunk),
    digest: () => parseDigest(`sha256:${running.digest('hex')}`),
  };
}
