import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { WalkCacheOptions } from './cache.ts';
import type { WalkLimits } from './limits.ts';
import type { NodeKind } from './tree-nodes.ts';

/**
 * What a name gives away before anything is read: that a file must be there to be read (any one of `needs`, looked up through
 * symbolic links; with `/` at its end a directory with something in it), or all that there is to know.
 */
export type Mark<T> = { readonly needs: readonly string[] } | { readonly tells: T };

/** Which files of an image matter, and what is to be made of their bytes. `T` must survive JSON. */
export interface FileSelection<T> {
  /** Changes whenever `extract` would answer otherwise: part of the cache key. */
  readonly version: string;
  /** By real path, relative to the root. Asked for every file of the image: must be quick. */
  wants(path: string): boolean;
  /** As what a wanted file is read: files of one role are extracted alike, whatever else their paths say. */
  role(path: string): string;
  /** Asked for everything in the image, also for what is no file. */
  marks(path: string, kind: NodeKind): Mark<T> | undefined;
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
  readonly cache?: WalkCacheOptions;
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

/** Something of the image that could not be read. Without a path: the whole layer; without either: the image. */
export interface WalkProblem {
  readonly layer?: Digest;
  readonly path?: string;
  readonly detail: string;
}

/** A name that tells something by itself. */
export interface Told<T> {
  readonly path: string;
  readonly value: T;
}

/** Something is marked, and what must be there to be read is not. */
export interface Unmet {
  readonly path: string;
  readonly needs: readonly string[];
}

export interface WalkResult<T> {
  /** In the order of their paths. */
  readonly files: readonly WalkedFile<T>[];
  readonly told: readonly Told<T>[];
  readonly unmet: readonly Unmet[];
  readonly problems: readonly WalkProblem[];
}
