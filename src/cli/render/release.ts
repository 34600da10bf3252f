import type { ImageSpec } from '../../manifest/image.ts';
import type { ReleaseReport } from '../../steps/release.ts';
import type { ReleaseOutput } from '../outputs.ts';
import { imageDocument } from './image.ts';

export const releaseBody = (report: ReleaseReport, file?: string): ReleaseOutput['release'] => ({
  digest: report.document.index.digest,
  name: report.document.name,
  version: report.document.version,
  counter: report.document.release,
  signatures: [...report.document.signatures],
  ...(file === undefined ? {} : { file }),
  already: report.already,
});

export const releaseDocument = (spec: ImageSpec, report: ReleaseReport, file: string): ReleaseOutput => ({
  image: imageDocument(spec.repository, report.image, spec.name),
  release: releaseBody(report, file),
});

export const renderRelease = ({ release }: ReleaseOutput): string =>
  `${release.name} ${release.version}, release ${release.counter}: ${release.digest}\nwritten to ${release.file ?? ''}: hand this file to the sensitive side`;
