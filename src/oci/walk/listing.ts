import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { WalkLimits } from './limits.ts';
import { printableName } from './names.ts';
import type { TarKind } from './tar-header.ts';
import type { TarEntry, TarSink } from './tar.ts';

export interface LayerEntry {
  /** Relative, without `.`, `..` and empty parts; empty for the root itself. */
  readonly path: string;
  readonly kind: TarKind;
  /** Target of a symlink (as written) or of a hardlink (normalised); otherwise empty. */
  readonly link: string;
}

/** A layer as its archive tells it, before it is laid over the ones below. */
export interface LayerListing<T> {
  readonly diffId: Digest;
  readonly entries: readonly LayerEntry[];
  /** What was made of the wanted files, by index into `entries`. */
  readonly values: ReadonlyMap<number, T>;
  /** Wanted files that could not be read, with the reason, by index. */
  readonly unread: ReadonlyMap<number, string>;
}

/** What a walk looks for. The index counts the entries of the layer: names may come twice in one archive. */
export interface FileChoice<T> {
  wants(path: string, index: number): boolean;
  extract(path: string, bytes: Uint8Array, index: number): T;
}

export interface ListingCollector<T> {
  readonly sink: TarSink;
  readonly listing: Omit<LayerListing<T>, 'diffId'>;
}

/** Collects what a `TarReader` finds. Its methods throw CONTENT_INVALID for what no runtime would unpack. */
export function createCollector<T>(choice: FileChoice<T>, limits: WalkLimits): ListingCollector<T> {
  const entries: LayerEntry[] = [];
  const values = new Map<number, T>();
  const unread = new Map<number, string>();
  const last = (): { readonly path: string; readonly index: number } => ({
    path: entries.at(-1)?.path ?? '',
    index: entries.length - 1,
  });
  const sink: TarSink = {
    entry(entry: TarEntry): boolean {
      if (entries.length >= limits.maxEntries) {
        throw new AmlpromoteError('CONTENT_INVALID', `more than ${String(limits.maxEntries)} entries`);
      }
      const link = entry.kind === 'hardlink' ? linkTarget(entry.link) : entry.link;
      entries.push({ path: normalizePath(entry.path), kind: entry.kind, link });
      const { path, index } = last();
      if (entry.kind !== 'file' || !choice.wants(path, index)) return false;
      if (entry.sparse) unread.set(index, 'is stored as a sparse file');
      else if (entry.size > limits.maxFileBytes)
        unread.set(index, `is larger than ${String(limits.maxFileBytes)} bytes`);
      else return true;
      return false;
    },
    content(_entry, bytes): void {
      const { path, index } = last();
      values.set(index, choice.extract(path, bytes, index));
    },
  };
  return { sink, listing: { entries, values, unread } };
}

/** Runtimes follow symbolic links before they go up, or after: a hard link that goes up is refused. @throws CONTENT_INVALID */
function linkTarget(path: string): string {
  if (path.split('/').includes('..'))
    throw new AmlpromoteError('CONTENT_INVALID', `a hard link that goes up: ${shown(path)}`);
  return normalizePath(path);
}

/** @throws CONTENT_INVALID for a path that leaves the root (threat 21): runtimes refuse the whole layer. */
function normalizePath(path: string): string {
  if (!path.includes('.') && !path.includes('//') && !path.startsWith('/') && !path.endsWith('/'))
    return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) {
      throw new AmlpromoteError('CONTENT_INVALID', `an entry outside of the root: ${shown(path)}`);
    }
  }
  return parts.join('/');
}

const shown = (path: string): string => JSON.stringify(printableName(path.slice(0, 200)));
