import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { ContentReader } from '../../ports/content.ts';
import { createWalkCache } from './cache.ts';
import type { ChosenFile } from './choose.ts';
import { chooseFiles } from './choose.ts';
import { walkLayer } from './layer.ts';
import { defaultWalkLimits } from './limits.ts';
import type { LayerListing } from './listing.ts';
import { printableName } from './names.ts';
import { ImageTree } from './tree.ts';

import type { FileSelection, WalkProblem, WalkRequest, WalkResult, WalkedFile } from './types.ts';

export { readDiffIds } from './config.ts';
export type { WalkCacheOptions } from './cache.ts';
export type { WalkLimits } from './limits.ts';
export type { NodeKind } from './tree-nodes.ts';
export type { FileSelection, Mark, Told, WalkProblem, WalkRequest, WalkResult, WalkedFile } from './types.ts';

/**
 * The wanted files of an image as a container sees them, with layers laid over each other and whiteouts honoured. What
 * cannot be read is in `problems`, never left out silently (threat 33).
 * @throws INTEGRITY_MISMATCH, and whatever `content.blob` throws
 */
export async function walkImage<T>(request: WalkRequest<T>): Promise<WalkResult<T>> {
  const { layers, selection } = request;
  const listings = await listLayers(request);
  const problems: WalkProblem[] = [];
  const tree = new ImageTree();
  layers.forEach(({ descriptor, diffId }, index) => {
    const found = applyTo(tree, index, listings.get(descriptor.digest) ?? 'was not read', diffId);
    problems.push(...found.map((detail) => ({ layer: descriptor.digest, detail })));
  });

  const { files: chosen, told, unmet, complete } = chooseFiles(tree, selection);
  if (!complete)
    problems.push({ detail: 'too many symbolic links to directories: not all of them were followed' });
  const late = await readLate(request, listings, chosen);
  const files: WalkedFile<T>[] = [];
  for (const file of chosen) {
    const layer = layers[file.node.layer]?.descriptor.digest;
    if (layer === undefined) continue;
    const listing = listings.get(layer);
    const key = keyOf(layer, file);
    const value = valueOf(selection, listing, file) ?? late.values.get(key);
    const path = printableName(file.path);
    if (value) files.push({ path, layer, value: value.value });
    else problems.push({ layer, path, detail: late.unread.get(key) ?? unreadOf(listing, file.node.entry) });
  }
  return {
    files,
    told: told.map(({ path, value }) => ({ path: printableName(path), value })),
    unmet: unmet.map(({ path, needs }) => ({ path: printableName(path), needs: needs.map(printableName) })),
    problems,
  };
}

function applyTo(
  tree: ImageTree,
  index: number,
  listing: LayerListing<unknown> | string,
  diffId: Digest,
): readonly string[] {
  if (typeof listing === 'string') return [listing];
  if (listing.diffId !== diffId) return [`is listed with another diffID than ${diffId}`];
  return tree.apply(index, listing.entries);
}

type Listings<T> = ReadonlyMap<Digest, LayerListing<T> | string>;

async function listLayers<T>(request: WalkRequest<T>): Promise<Listings<T>> {
  const { selection, limits = defaultWalkLimits } = request;
  const cache =
    request.cache && createWalkCache(request.cache, selection.version, (value) => selection.revive(value));
  const listings = new Map<Digest, LayerListing<T> | string>();
  await eachLayer(request, async ({ descriptor, diffId }) => {
    const cached = await cache?.load(descriptor.digest);
    if (cached?.diffId === diffId) {
      request.onBytes?.(descriptor, descriptor.size);
      listings.set(descriptor.digest, cached);
      return;
    }
    const listing = await walkLayer({
      ...passOn(request, descriptor),
      diffId,
      limits,
      choice: {
        wants: (path) => selection.wants(path),
        extract: (path, bytes) => selection.extract(path, bytes),
      },
    });
    listings.set(descriptor.digest, listing);
    if (typeof listing === 'object') await cache?.save(descriptor.digest, listing);
  });
  return listings;
}

interface LateFiles<T> {
  readonly values: ReadonlyMap<string, { readonly value: T }>;
  readonly unread: ReadonlyMap<string, string>;
}

/**
 * Files that turned out to be wanted, or to be wanted as something else, only when all layers were known (links from
 * elsewhere): their layers are read again.
 */
async function readLate<T>(
  request: WalkRequest<T>,
  listings: Listings<T>,
  chosen: readonly ChosenFile[],
): Promise<LateFiles<T>> {
  const { selection, layers } = request;
  const wanted = new Map<Digest, Map<number, ChosenFile[]>>();
  for (const file of chosen) {
    const layer = layers[file.node.layer]?.descriptor.digest;
    const listing = layer === undefined ? undefined : listings.get(layer);
    if (layer === undefined || typeof listing !== 'object') continue;
    if (valueOf(selection, listing, file) || listing.unread.has(file.node.entry)) continue;
    const entries = wanted.get(layer) ?? new Map<number, ChosenFile[]>();
    wanted.set(layer, entries.set(file.node.entry, [...(entries.get(file.node.entry) ?? []), file]));
  }
  const values = new Map<string, { readonly value: T }>();
  const unread = new Map<string, string>();
  await eachLayer(request, async ({ descriptor, diffId }) => {
    const entries = wanted.get(descriptor.digest);
    if (!entries) return;
    const listing = await walkLayer<readonly T[]>({
      ...passOn(request, descriptor),
      diffId,
      limits: request.limits ?? defaultWalkLimits,
      choice: {
        wants: (_path, index) => entries.has(index),
        extract: (_path, bytes, index) =>
          (entries.get(index) ?? []).map(({ path }) => selection.extract(path, bytes)),
      },
    });
    if (typeof listing === 'string') return;
    for (const [index, files] of entries) {
      for (const [at, file] of files.entries()) {
        const found = listing.values.get(index);
        if (found && at in found) values.set(keyOf(descriptor.digest, file), { value: found[at] as T });
        const why = listing.unread.get(index);
        if (why !== undefined) unread.set(keyOf(descriptor.digest, file), why);
      }
    }
  });
  return { values, unread };
}

function passOn(
  request: WalkRequest<unknown>,
  layer: Descriptor,
): {
  content: Pick<ContentReader, 'blob'>;
  layer: Descriptor;
  onBytes?: (done: number) => void;
  signal?: AbortSignal;
} {
  const { content, onBytes, signal } = request;
  return {
    content,
    layer,
    ...(onBytes === undefined ? {} : { onBytes: (done: number) => onBytes(layer, done) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Each different layer once, a few at a time, the largest first. */
async function eachLayer<T>(
  request: WalkRequest<T>,
  work: (layer: WalkRequest<T>['layers'][number]) => Promise<void>,
): Promise<void> {
  const different = new Map(request.layers.map((layer) => [layer.descriptor.digest, layer]));
  const queue = [...different.values()].sort((a, b) => b.descriptor.size - a.descriptor.size);
  const worker = async (): Promise<void> => {
    for (let layer = queue.shift(); layer !== undefined; layer = queue.shift()) {
      request.signal?.throwIfAborted();
      await work(layer);
    }
  };
  await Promise.all(Array.from({ length: request.concurrency ?? 3 }, worker));
}

/** What the first reading of the layer made of a file, if it was read as what it is wanted for now. */
function valueOf<T>(
  selection: FileSelection<T>,
  listing: LayerListing<T> | string | undefined,
  { node: { entry }, role }: ChosenFile,
): { readonly value: T } | undefined {
  if (typeof listing !== 'object' || !listing.values.has(entry)) return undefined;
  const path = listing.entries[entry]?.path ?? '';
  return selection.role(path) === role ? { value: listing.values.get(entry) as T } : undefined;
}

const unreadOf = (listing: LayerListing<unknown> | string | undefined, entry: number): string =>
  (typeof listing === 'object' ? listing.unread.get(entry) : undefined) ?? 'could not be read';

const keyOf = (layer: Digest, { node, role, path }: ChosenFile): string =>
  JSON.stringify([layer, node.entry, role, path]);
