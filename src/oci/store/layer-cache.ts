import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';
import { canonicalBytes } from '../../json/canonical.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { parseDescriptor } from '../descriptor.ts';
import { isMissing, writeAtomically } from './files.ts';
import type { StorePaths } from './paths.ts';

/** Remembers how a layer was compressed, by the digest of its tar (diffID), so that it is never done again. */
export interface LayerCache {
  /** The compressed blob; the caller checks that it is still in the store. */
  find(diffId: Digest): Promise<Descriptor | undefined>;
  /** Only for a pair that was computed or checked here: nobody else's word is taken for it. */
  remember(diffId: Digest, layer: Descriptor): Promise<void>;
}

export function createLayerCache(paths: StorePaths): LayerCache {
  const file = (diffId: Digest): string => join(paths.diffIds, hexOf(diffId));
  return {
    async find(diffId) {
      try {
        return parseDescriptor(
          parseStrictJson(await readFile(file(diffId)), { where: file(diffId) }),
          file(diffId),
        );
      } catch (error) {
        // It is a cache: a damaged entry is worth as much as none, and is overwritten.
        if (isMissing(error) || !(error instanceof Error && 'errno' in error)) return undefined;
        throw error;
      }
    },
    remember: (diffId, layer) => writeAtomically(paths, file(diffId), canonicalBytes(layer)),
  };
}
