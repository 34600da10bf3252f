import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { watchForBreak } from '../../oci/archive/archive-errors.ts';
import { invalidArchive, parseArchiveManifest } from '../../oci/archive/archive-manifest.ts';
import { parseImageConfig } from '../../oci/image-config.ts';

/** Small files of an archive that are kept: one image has a configuration, a manifest, and a few of older forms a layer. */
const maxKept = 1000;

/**
 * `ONBUILD` of an image, from its archive (`docker save`): Podman obeys these instructions, but its API does not tell them.
 * Layers are passed over.
 * @throws CONTENT_INVALID
 */
export async function readTriggers(archive: Readable): Promise<readonly string[]> {
  const { extract } = await import('tar-stream');
  const tar = extract();
  watchForBreak(archive, (error) => tar.destroy(error));
  archive.pipe(tar);
  const files = new Map<string, Buffer>();
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header;
      if (type !== 'file' || size > maxManifestBytes || name.endsWith('.tar')) {
        entry.resume();
        continue;
      }
      if (files.size >= maxKept) throw invalidArchive('too many files');
      files.set(name, await buffer(entry));
    }
  } catch (error) {
    archive.destroy();
    if (error instanceof Error && /invalid tar/i.test(error.message)) throw invalidArchive(error.message);
    throw error;
  }
  const { config } = parseArchiveManifest(files.get('manifest.json'));
  const bytes = files.get(config);
  if (!bytes) throw invalidArchive(`no usable ${JSON.stringify(config)}`);
  return triggersOf(parseImageConfig(bytes, "the base image's configuration").body.config);
}

function triggersOf(config: unknown): readonly string[] {
  const triggers: unknown =
    typeof config === 'object' && config !== null && 'OnBuild' in config ? config.OnBuild : undefined;
  if (triggers === undefined || triggers === null) return [];
  if (Array.isArray(triggers) && triggers.every((text) => typeof text === 'string')) return triggers;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    "OnBuild in the base image's configuration is no list of text",
    {
      nextSteps: ['Use another base image, or make this one again.'],
    },
  );
}
