import { access, readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Registry } from '../../ports/content.ts';
import { makeDirectory } from '../../files/make-directory.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { writeNewBlob } from './blob-writer.ts';
import { guarded, isMissing, temporaryPath, writeAtomically } from './files.ts';
import { createIndexFile, rebuildEntries, writeEntries } from './index-file.ts';
import type { LayerCache } from './layer-cache.ts';
import { createLayerCache } from './layer-cache.ts';
import type { Lock } from './lock.ts';
import { createLock } from './lock.ts';
import type { StorePaths } from './paths.ts';
import { storePaths } from './paths.ts';
import type { PruneResult } from './prune.ts';
import { pruneStore } from './prune.ts';
import type { StoreRepository } from './repository.ts';
import { storeRepository } from './repository.ts';
import { createSession } from './sessions.ts';

/**
 * The local content store: an OCI image layout that any number of processes may use at once. As a `Registry` it can be
 * source and target of copies; `host` is `store`.
 */
export interface Store extends Registry {
  readonly host: 'store';
  /** Absolute path of the layout. */
  readonly directory: string;
  readonly layers: LayerCache;
  repository(name: string): StoreRepository;
  /** Names of all repositories that have something. */
  repositories(): Promise<readonly string[]>;
  /** Writes bytes whose digest is not known yet. */
  addBlob(mediaType: string, source: Readable, signal?: AbortSignal): Promise<Descriptor>;
  /** A path for a temporary file beside the blobs, removed by `prune` if its process forgets it. */
  temporaryPath(): string;
  /** Frees what no tag and no evidence of something tagged needs. */
  prune(): Promise<PruneResult>;
}

export interface StoreOptions {
  /** Milliseconds to wait for another process; default 60,000. */
  readonly lockTimeout?: number;
}

/** Whether there is one, or what is left of one. */
export const isStore = async (directory: string): Promise<boolean> =>
  access(join(storePaths(resolve(directory)).root, 'oci-layout')).then(
    () => true,
    () => false,
  );

/**
 * Opens the store in `directory`, making it if it is not there.
 * @throws USAGE for a directory with other content; STORE_CORRUPT; DISK_FULL; FORBIDDEN
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<Store> {
  const paths = storePaths(resolve(directory));
  const lock = createLock(paths, options.lockTimeout);
  await guarded(paths.root, 'open the store', () => prepare(paths, lock));
  const index = createIndexFile(paths, lock);
  const session = createSession(paths, lock);
  return {
    host: 'store',
    directory: paths.root,
    layers: createLayerCache(paths),
    repository: (name) => storeRepository({ paths, index, session }, name),
    repositories: async () => [
      ...new Set((await index.read()).flatMap(({ repository }) => repository ?? []).sort()),
    ],
    addBlob: (mediaType, source, signal) =>
      guarded(paths.root, 'write a blob', async () => {
        await session();
        return writeNewBlob(paths, mediaType, source, signal);
      }),
    temporaryPath: () => temporaryPath(paths),
    prune: () =>
      guarded(paths.root, 'prune the store', () =>
        lock(async () => pruneStore(paths, await index.read(), Date.now())),
      ),
  };
}

async function prepare(paths: StorePaths, lock: Lock): Promise<void> {
  if (await isComplete(paths)) return;
  await refuseOtherContent(paths);
  for (const directory of [
    paths.blobs,
    paths.temporary,
    paths.corrupt,
    paths.locks,
    paths.sessions,
    paths.diffIds,
  ]) {
    makeDirectory(directory);
  }
  await lock(async () => {
    if (await isComplete(paths)) return;
    // A lost index is made anew from the blobs; of an empty store that gives an empty one.
    if (!(await exists(paths.index))) await writeEntries(paths, await rebuildEntries(paths));
    await writeAtomically(paths, paths.layout, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  });
}

async function isComplete(paths: StorePaths): Promise<boolean> {
  const { imageLayoutVersion } = await layoutOf(paths);
  if (imageLayoutVersion !== undefined && imageLayoutVersion !== '1.0.0') {
    throw new AmlpromoteError('USAGE', `${paths.root} is an image layout of another version`, {
      nextSteps: ['Use another directory: --store DIR.'],
    });
  }
  const needed = [
    paths.index,
    paths.blobs,
    paths.temporary,
    paths.corrupt,
    paths.locks,
    paths.sessions,
    paths.diffIds,
  ];
  const there = await Promise.all(needed.map((path) => exists(path)));
  return imageLayoutVersion !== undefined && there.every(Boolean);
}

async function layoutOf(paths: StorePaths): Promise<{ readonly imageLayoutVersion?: unknown }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(paths.layout);
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
  try {
    return Object(parseStrictJson(bytes, { where: paths.layout, maxBytes: 64 * 1024 })) as object;
  } catch (cause) {
    throw new AmlpromoteError('STORE_CORRUPT', `${paths.layout} is not an OCI layout file`, {
      cause,
      nextSteps: [`Remove ${paths.layout}: it is written anew.`, 'Or use another store: --store DIR.'],
    });
  }
}

/** Somebody's home directory is not to be filled with blobs. What a killed first start left is taken over. */
async function refuseOtherContent(paths: StorePaths): Promise<void> {
  let names: string[];
  try {
    names = await readdir(paths.root);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (names.length === 0 || names.includes('oci-layout') || names.includes('blobs')) return;
  throw new AmlpromoteError('USAGE', `${paths.root} is neither empty nor a store`, {
    nextSteps: ['Name a directory of its own for the store: --store DIR.'],
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
