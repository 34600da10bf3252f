import type { Descriptor } from '../../domain/descriptor.ts';
import type { BuildOutput } from '../outputs.ts';

/** The `image` of every document. */
export const imageDocument = (
  repository: string,
  image: Descriptor,
  name?: string,
): BuildOutput['image'] => ({
  ...(name === undefined ? {} : { name }),
  repository,
  digest: image.digest,
  mediaType: image.mediaType,
  size: image.size,
});
