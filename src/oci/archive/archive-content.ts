import type { Readable } from 'node:stream';
import { posix } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Descriptor } from '../../domain/descriptor.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { archiveError, watchForBreak } from './archive-errors.ts';
import type { ArchiveManifest } from './archive-manifest.ts';
import { invalidArchive, parseArchiveManifest } from './archive-manifest.ts';
import type { LayerOutcome, LayerWork } from './layers.ts';
import { ensureLayer, findLayer } from './layers.ts';
import type { Spool } from './spool.ts';
import { spool } from './spool.ts';

/** Entries of an archive; an image has some hundreds at most. */
const maxEntries = 10_000;
/** Layers compressed at a time (each uses all cores by itself), and kept on disk at a time. */
const atOnce = 2;

export interface EngineArchive extends LayerWork {
  /** What `docker save` or `podman save` writes, of one image. */
  readonly archive: Readable;
  /** As the engine lists them: layers are known by these while the archive is still being read. */
  readonly diffIds: readonly Digest[];
  /** RFC 3339; the only time in the image. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** After each layer that is in the store now. */
  readonly onLayer?: (diffId: Digest, layer: Descriptor, outcome: LayerOutcome) => void;
}

/** What an archive held, by name. Layers that are in the store by now are not kept. */
export interface ArchiveContent {
  /** The image of `manifest.json` (docker-archive; OCI-flavoured archives carry it, too). */
  image(): ArchiveManifest;
  file(name: string): Spool | undefined;
  bytes(name: string, maxBytes: number): Promise<Uint8Array>;
  /** The compressed layer, when it was brought into the store while the archive was read. */
  stored(diffId: Digest): Descriptor | undefined;
  discard(): Promise<void>;
}

/**
 * Reads a whole `docker save` archive, once, from front to end. Three forms occur: Docker's old one (`<id>/layer.tar`,
 * repeated layers as symbolic links), the one with an OCI layout (`blobs/sha256/<hex>`), and Podman's (`<hex>.tar`). A file
 * is recognised as a layer by its digest, so its compression starts while the rest is still coming.
 */
export async function readArchive(options: EngineArchive): Promise<ArchiveContent> {
  const { extract } = await import('tar-stream');
  const wanted = new Set(options.diffIds);
  const files = new Map<string, Spool>();
  const links = new Map<string, string>();
  const stored = new Map<Digest, Descriptor>();
  const running = new Set<Promise<void>>();
  let failed: Error | undefined;

  const start = async (diffId: Digest, tar: Spool): Promise<void> => {
    try {
      const { layer, outcome } = await ensureLayer(options, diffId, tar);
      stored.set(diffId, layer);
      options.onLayer?.(diffId, layer, outcome);
    } catch (error) {
      failed ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      await tar.discard();
    }
  };
  const discard = async (): Promise<void> => {
    await Promise.allSettled(running);
    await Promise.all([...files.values()].map((file) => file.discard()));
  };

  const tar = extract();
  const broken = watchForBreak(options.archive, (error) => tar.destroy(error));
  options.archive.pipe(tar);
  try {
    let entries = 0;
    for await (const entry of tar) {
      if (failed) throw failed;
      options.signal?.throwIfAborted();
      entries += 1;
      if (entries > maxEntries) throw invalidArchive(`more than ${String(maxEntries)} entries`);
      const { name: rawName, type, size, linkname } = entry.header;
      const name = posix.normalize(rawName);
      if (linkname && (type === 'symlink' || type === 'link')) {
        links.set(
          name,
          type === 'link' ? posix.normalize(linkname) : posix.join(posix.dirname(name), linkname),
        );
      }
      const skipped = await findNamed(options, name, wanted);
      if (skipped) {
        stored.set(skipped.diffId, skipped.layer);
        options.onLayer?.(skipped.diffId, skipped.layer, 'known');
      }
      if (type !== 'file' || skipped) {
        entry.resume();
        continue;
      }
      const file = await spool(
        entry as unknown as Readable,
        size,
        () => options.store.temporaryPath(),
        options.signal,
      );
      if (!wanted.has(file.digest)) {
        files.set(name, file);
        continue;
      }
      wanted.delete(file.digest);
      while (running.size >= atOnce) await Promise.race(running);
      const work: Promise<void> = start(file.digest, file).finally(() => running.delete(work));
      running.add(work);
    }
    await Promise.all(running);
    if (failed) throw failed;
  } catch (error) {
    const brokenBefore = broken();
    options.archive.destroy();
    await discard();
    options.signal?.throwIfAborted();
    throw archiveError(error, brokenBefore, options.store.directory);
  }

  const file = (name: string): Spool | undefined => {
    let at = posix.normalize(name);
    for (let hops = 0; hops < 8; hops += 1) {
      const found = files.get(at);
      if (found) return found;
      const target = links.get(at);
      if (target === undefined) return undefined;
      at = target;
    }
    return undefined;
  };
  const manifest = file('manifest.json');
  const manifestBytes =
    manifest && manifest.size <= maxManifestBytes ? await buffer(manifest.open()) : undefined;
  return {
    image: () => parseArchiveManifest(manifestBytes),
    file,
    async bytes(name, maxBytes) {
      const found = file(name);
      if (!found || found.size > maxBytes) throw invalidArchive(`no usable ${JSON.stringify(name)}`);
      return buffer(found.open());
    },
    stored: (diffId) => stored.get(diffId),
    discard,
  };
}

/** A layer that is named by its digest and known already need not even be read. */
async function findNamed(
  options: EngineArchive,
  name: string,
  wanted: Set<Digest>,
): Promise<{ readonly diffId: Digest; readonly layer: Descriptor } | undefined> {
  const [, hex] = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.tar)?$/.exec(name) ?? [];
  const diffId = `sha256:${hex ?? ''}`;
  if (!isDigest(diffId) || !wanted.has(diffId)) return undefined;
  const layer = await findLayer(options, diffId);
  if (layer) wanted.delete(diffId);
  return layer && { diffId, layer };
}
