import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isIndexType } from '../domain/media-types.ts';
import { parseIndex } from './manifest.ts';

/**
 * What an image index lists, all of it: images, and what build tools add to document them. Runtimes look into an index that
 * an index lists (containerd's images.Manifest does); this tool does not, so it takes no such image.
 * @throws CONTENT_INVALID
 */
export function childrenOfIndex(index: ManifestContent): readonly Descriptor[] {
  const { manifests } = parseIndex(index);
  const inner = manifests.find(({ mediaType }) => isIndexType(mediaType));
  if (!inner) return manifests;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `index ${index.descriptor.digest} lists another index, ${inner.digest}: an index in an index is not supported`,
    {
      nextSteps: [
        'Name the inner index, or one of its images, by its digest; or make one flat index of the images.',
      ],
    },
  );
}
