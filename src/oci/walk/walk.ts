import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { ContentReader } from '../../ports/content.ts';
import { createWalkCache } from './cache.ts';
import { walkLayer } from './layer.ts';
import { defaultWalkLimits } from './limits.ts';
import type { LayerListing } from './listing.ts';
import { ImageTree } from './tree.ts';
import type { FileNode, TreeNode } from './tree-nodes.ts';

import type { FileSelection, WalkProblem, WalkRequest, WalkResult, WalkedFile } from './types.ts';

export { readDiffIds } from './config.ts';
export type { WalkLimits } from './limits.ts';
export type { FileSelection, WalkRequest, WalkResult, WalkedFile } from './types.ts';

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

  const chosen = chooseFiles(tree, selection);
  const late = await readLate(request, listings, chosen);
  const files: WalkedFile<T>[] = [];
  for (const { path, node } of chosen) {
    const layer = layers[node.layer]?.descriptor.digest;
    if (layer === undefined) continue;
    const value = valueOf(listings.get(layer), node.entry) ?? late.values.get(keyOf(layer, node.entry));
    if (value) files.push({ path, layer, value: value.value });
    else
      problems.push({
        layer,
        path,
        detail: late.unread.get(keyOf(layer, node.entry)) ?? unreadOf(listings.get(layer), node.entry),
      });
  }
  return { files, problems };
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
  const { selection, cacheDir, limits = defaultWalkLimits } = request;
  const cache =
    cacheDir === undefined
      ? undefined
      : createWalkCache(cacheDir, selection.version, (value) => selection.revive(value));
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

/** The files whose real path is wanted, wanted names that are links to files, and what the lookups lead to. */
function chooseFiles(
  tree: ImageTree,
  selection: FileSelection<unknown>,
): readonly { path: string; node: FileNode }[] {
  const chosen = new Map<FileNode, string>();
  const choose = (path: string, node: TreeNode | undefined): void => {
    if (node?.kind === 'file' && !chosen.has(node)) chosen.set(node, path);
  };
  for (const { path, node } of tree.nodes())
    if (node.kind === 'file' && selection.wants(path) !== false) choose(path, node);
  for (const path of selection.lookups) {
    const node = tree.lookup(path);
    if (node?.kind === 'directory') {
      for (const name of node.children.keys()) choose(`${path}/${name}`, tree.lookup(`${path}/${name}`));
    } else choose(path, node);
  }
  for (const { path, node } of tree.nodes()) {
    if (node.kind === 'symlink' && selection.wants(path) === true) choose(path, tree.lookup(path));
  }
  return [...chosen].map(([node, path]) => ({ path, node })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface LateFiles<T> {
  readonly values: ReadonlyMap<string, { readonly value: T }>;
  readonly unread: ReadonlyMap<string, string>;
}

/** Files that turned out to be wanted only when all layers were known (links from elsewhere): their layers are read again. */
async function readLate<T>(
  request: WalkRequest<T>,
  listings: Listings<T>,
  chosen: readonly { readonly path: string; readonly node: FileNode }[],
): Promise<LateFiles<T>> {
  const wanted = new Map<string, string>();
  for (const { path, node } of chosen) {
    const layer = request.layers[node.layer]?.descriptor.digest;
    const listing = layer === undefined ? undefined : listings.get(layer);
    if (layer === undefined || typeof listing !== 'object') continue;
    if (!listing.values.has(node.entry) && !listing.unread.has(node.entry))
      wanted.set(keyOf(layer, node.entry), path);
  }
  const values = new Map<string, { readonly value: T }>();
  const unread = new Map<string, string>();
  await eachLayer(request, async ({ descriptor, diffId }) => {
    const key = (index: number): string => keyOf(descriptor.digest, index);
    if (![...wanted.keys()].some((name) => name.startsWith(descriptor.digest))) return;
    const listing = await walkLayer<T>({
      ...passOn(request, descriptor),
      diffId,
      limits: request.limits ?? defaultWalkLimits,
      choice: {
        wants: (_path, index) => wanted.has(key(index)),
        extract: (path, bytes, index) => request.selection.extract(wanted.get(key(index)) ?? path, bytes),
      },
    });
    if (typeof listing === 'string') return;
    for (const [index, value] of listing.values) values.set(key(index), { value });
    for (const [index, why] of listing.unread) unread.set(key(index), why);
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

function valueOf<T>(
  listing: LayerListing<T> | string | undefined,
  entry: number,
): { readonly value: T } | undefined {
  return typeof listing === 'object' && listing.values.has(entry)
    ? { value: listing.values.get(entry) as T }
    : undefined;
}

const unreadOf = (listing: LayerListing<unknown> | string | undefined, entry: number): string =>
  (typeof listing === 'object' ? listing.unread.get(entry) : undefined) ?? 'could not be read';

const keyOf = (layer: Digest, entry: number): string => `${layer} ${String(entry)}`;
