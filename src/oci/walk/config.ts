import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { parseDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { ContentReader } from '../../ports/content.ts';
import { readBlob } from '../verified.ts';

const maxConfigBytes = 4 * 1024 * 1024;

/**
 * `rootfs.diff_ids` of an image config (image-spec config.md): the digests of the uncompressed layers, base first.
 * @throws CONTENT_INVALID when they are malformed or are not one per layer; whatever `readBlob` throws
 */
export async function readDiffIds(
  reader: Pick<ContentReader, 'blob'>,
  config: Descriptor,
  layerCount: number,
): Promise<readonly Digest[]> {
  const where = `image config ${config.digest}`;
  const parsed = parseStrictJson(await readBlob(reader, config, maxConfigBytes), { where });
  const ids = diffIdsOf(parsed);
  if (ids?.length !== layerCount) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `${where}: rootfs.diff_ids does not have one entry for each of the ${String(layerCount)} layers`,
      { nextSteps: ['Rebuild the image: no container runtime can unpack this one.'] },
    );
  }
  return ids.map((id, index) => parseDigest(id, `${where} rootfs.diff_ids[${String(index)}]`));
}

function diffIdsOf(config: unknown): readonly string[] | undefined {
  const ids = field(field(config, 'rootfs'), 'diff_ids');
  return Array.isArray(ids) && ids.every((id) => typeof id === 'string') ? ids : undefined;
}

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
