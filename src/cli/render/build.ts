import type { ImageSpec } from '../../manifest/image.ts';
import { resolveVersion } from '../../manifest/image.ts';
import type { BuildReport } from '../../steps/build.ts';
import type { BuildOutput } from '../outputs.ts';
import { imageDocument } from './image.ts';

export const buildDocument = (spec: ImageSpec, report: BuildReport): BuildOutput => ({
  image: imageDocument(spec.repository, report.image, spec.name),
  version: resolveVersion(spec, report.image.digest),
  location: report.location,
  platform: report.platform,
  ...(report.buildKey === undefined ? {} : { buildKey: report.buildKey }),
  already: report.already,
});

export const renderBuild = (document: BuildOutput): string =>
  `${document.image.repository}@${document.image.digest}`;
