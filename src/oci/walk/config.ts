import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { parseDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { ContentReader } from '../../ports/content.ts';
import { readImageConfig } from '../image-config.ts';

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
  const { diffIds } = await readImageConfig(reader, config, where);
  if (diffIds.length !== layerCount) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `${where}: rootfs.diff_ids does not have one entry for each of the ${String(layerCount)} layers`,
      { nextSteps: ['Rebuild the image: no container runtime can unpack this one.'] },
    );
  }
  return diffIds.map((id, index) => parseDigest(id, `${where} rootfs.diff_ids[${String(index)}]`));
}
