import { join } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { hexOf, isDigest } from '../../domain/digest.ts';
import { sha256 } from '../../domain/sha256.ts';
import type { SealedRecord } from '../../files/sealed-file.ts';
import { readSealed, writeSealed } from '../../files/sealed-file.ts';
import type { Seal } from '../../ports/seal.ts';
import type { LayerEntry, LayerListing } from './listing.ts';
import type { TarKind } from './tar-header.ts';

const format = 2;
const kinds: readonly TarKind[] = ['file', 'directory', 'symlink', 'hardlink', 'other', 'global'];

export interface WalkCacheOptions {
  readonly directory: string;
  readonly seal: Seal;
}

export interface WalkCache<T> {
  load(layer: Digest): Promise<LayerListing<T> | undefined>;
  save(layer: Digest, listing: LayerListing<T>): Promise<void>;
}

/**
 * Listings of layers that were walked before: one file per layer digest and `version` (of whatever made the values),
 * sealed. A file that is damaged, of another format, of another machine or not what `revive` accepts counts as not there; a
 * cache that cannot be written is no error either.
 */
export function createWalkCache<T>(
  { directory, seal }: WalkCacheOptions,
  version: string,
  revive: (value: unknown) => T,
): WalkCache<T> {
  const prefix = hexOf(sha256(`${String(format)} ${version}`)).slice(0, 12);
  const fileOf = (layer: Digest): string => join(directory, `layer-${hexOf(layer)}-${prefix}.json`);
  const recordOf = (layer: Digest): SealedRecord => ({
    purpose: 'layer-record',
    parts: [String(format), version, layer],
  });
  return {
    async load(layer) {
      const body = await readSealed(fileOf(layer), recordOf(layer), seal);
      if (body === undefined) return undefined;
      try {
        return decode(JSON.parse(body), revive);
      } catch {
        return undefined;
      }
    },
    save: (layer, listing) =>
      writeSealed(fileOf(layer), recordOf(layer), JSON.stringify(encode(listing)), seal),
  };
}

const encode = (listing: LayerListing<unknown>): unknown => ({
  diffId: listing.diffId,
  entries: listing.entries.map((entry) => [entry.path, kinds.indexOf(entry.kind), entry.link]),
  values: [...listing.values],
  unread: [...listing.unread],
});

function decode<T>(body: unknown, revive: (value: unknown) => T): LayerListing<T> | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { diffId, entries, values, unread } = body as Record<string, unknown>;
  if (typeof diffId !== 'string' || !isDigest(diffId)) return undefined;
  return {
    diffId,
    entries: list(entries).map(entryOf),
    values: new Map(list(values).map((pair) => pairOf(pair, revive))),
    unread: new Map(list(unread).map((pair) => pairOf(pair, textOf))),
  };
}

function entryOf(value: unknown): LayerEntry {
  const [path, code, link] = list(value);
  const kind = typeof code === 'number' ? kinds[code] : undefined;
  if (kind === undefined) throw new TypeError('not an entry');
  return { path: textOf(path), kind, link: textOf(link) };
}

function pairOf<T>(value: unknown, revive: (value: unknown) => T): [number, T] {
  const [index, rest] = list(value);
  if (typeof index !== 'number') throw new TypeError('not an index');
  return [index, revive(rest)];
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}
