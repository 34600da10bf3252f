import type { ImageSpec } from '../../manifest/image.ts';
import type { OutsideImage } from '../../sides/outside.ts';
import type { PublishReport } from '../../steps/publish.ts';
import type { PublishOutput } from '../outputs.ts';
import { imageDocument } from './image.ts';

export const publishDocument = (
  spec: ImageSpec,
  image: OutsideImage,
  report: PublishReport,
): PublishOutput => ({
  image: imageDocument(image.repository, report.image, spec.name),
  reference: report.reference,
  already: report.already,
  bytes: report.bytes,
});
