import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { WalkLimits } from './limits.ts';
import type { Wanted } from './listing.ts';

/** Which files of an image matter, and what is to be made of their bytes. `T` must survive JSON. */
export interface FileSelection<T> {
  /** Changes whenever `extract` would answer otherwise: part of the cache key. */
  readonly version: string;
  /** By real path, relative to the root. Asked for every file of the image: must be quick. With `presence`, `extract` gets no bytes. */
  wants(path: string): Wanted;
  /**
   * Paths to look up as a program in the container would, through symbolic links. A directory stands for the files in it.
   */
  readonly lookups: readonly string[];
  extract(path: string, bytes: Uint8Array): T;
  /** Checks a value that comes from the cache. */
  revive(value: unknown): T;
}

export interface WalkRequest<T> {
  readonly content: Pick<ContentReader, 'blob'>;
  /** Base first; `diffId` from the image config (`readDiffIds`). */
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: Digest }[];
  readonly selection: FileSelection<T>;
  /** Where listings of layers are kept between runs. */
  readonly cacheDir?: string;
  readonly limits?: WalkLimits;
  /** Layers read at a time; default 3. */
  readonly concurrency?: number;
  readonly onBytes?: (layer: Descriptor, done: number) => void;
  readonly signal?: AbortSignal;
}

export interface WalkedFile<T> {
  readonly path: string;
  /** The layer that the bytes come from. */
  readonly layer: Digest;
  readonly value: T;
}

/** Something of the image that could not be read. Without a path: the whole layer. */
export interface WalkProblem {
  readonly layer: Digest;
  readonly path?: string;
  readonly detail: string;
}

export interface WalkResult<T> {
  /** In the order of their paths. */
  readonly files: readonly WalkedFile<T>[];
  readonly problems: readonly WalkProblem[];
}
