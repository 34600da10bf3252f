import { AmlpromoteError } from '../../domain/errors.ts';
import { parseStrictJson, refuseCaseFolded } from '../../json/strict.ts';

/** The image that an archive's `manifest.json` names: entries of the archive. */
export interface ArchiveManifest {
  readonly config: string;
  /** In the order of the configuration's diff_ids. */
  readonly layers: readonly string[];
}

/** Docker's `image save` (tarexport.manifestItem). */
const itemKeys = ['Config', 'RepoTags', 'Layers', 'Parent', 'LayerSources'] as const;

/** @throws CONTENT_INVALID unless it names exactly one image */
export function parseArchiveManifest(bytes: Uint8Array | undefined): ArchiveManifest {
  if (!bytes) throw invalidArchive('no manifest.json');
  const where = "manifest.json of the engine's archive";
  const list = parseStrictJson(bytes, { where });
  const image = Array.isArray(list) && list.length === 1 ? (list[0] as unknown) : undefined;
  if (typeof image !== 'object' || image === null)
    throw invalidArchive('manifest.json does not name exactly one image');
  refuseCaseFolded(image, itemKeys, where);
  const { Config: config, Layers: layers } = image as Readonly<Record<string, unknown>>;
  if (typeof config !== 'string') throw invalidArchive('manifest.json names no configuration');
  // An image without layers has `null`.
  const names = (layers ?? []) as unknown;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw invalidArchive('manifest.json does not list its layers');
  }
  return { config, layers: names };
}

export const invalidArchive = (why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `the engine's archive is not of a known form: ${why}`, {
    nextSteps: ['Use Docker 20.10 or newer, or Podman 4 or newer.'],
  });
