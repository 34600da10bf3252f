import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hexOf } from '../src/domain/digest.ts';
import type { Digest } from '../src/domain/digest.ts';
import { createHasher, sha256 } from '../src/domain/sha256.ts';

export interface ArchivedImage {
  /** `repository:tag`. */
  readonly name: string;
  /** A tar: the image's only layer. */
  readonly layer: { readonly file: string } | { readonly bytes: Uint8Array };
  /** `config` of the image specification: Env, Cmd, OnBuild … */
  readonly config: Readonly<Record<string, unknown>>;
  /** RFC 3339. */
  readonly created: string;
}

/**
 * An image of one layer in the form of `docker save`, which every engine loads alike: the same bytes, hence the same image,
 * each time. Importing a file system is not the same everywhere (Podman's `/images/create` ignores `tag`, and takes
 * `changes` as one instruction).
 */
export async function imageArchive({ name, layer, config, created }: ArchivedImage): Promise<Readable> {
  const { pack } = await import('tar-stream');
  const { diffId, size } = await measure(layer);
  const document = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created,
      config,
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, created_by: 'amlpromote' }],
    }),
  );
  const names = { config: `${hexOf(sha256(document))}.json`, layer: `${hexOf(diffId)}.tar` };
  const manifest = [{ Config: names.config, RepoTags: [name], Layers: [names.layer] }];
  const tar = pack();
  const write = async (): Promise<void> => {
    await pipeline(open(layer), tar.entry({ name: names.layer, size, mtime: new Date(0) }));
    tar.entry({ name: names.config, mtime: new Date(0) }, document);
    tar.entry({ name: 'manifest.json', mtime: new Date(0) }, JSON.stringify(manifest));
    tar.finalize();
  };
  write().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(tar, { objectMode: false });
}

const open = (layer: ArchivedImage['layer']): Readable =>
  'file' in layer ? createReadStream(layer.file) : Readable.from([layer.bytes], { objectMode: false });

async function measure(layer: ArchivedImage['layer']): Promise<{ diffId: Digest; size: number }> {
  if ('bytes' in layer) return { diffId: sha256(layer.bytes), size: layer.bytes.byteLength };
  const hasher = createHasher();
  for await (const chunk of createReadStream(layer.file)) hasher.update(chunk as Uint8Array);
  return { diffId: hasher.digest(), size: (await stat(layer.file)).size };
}
