import type { OutsideImage } from '../../sides/outside.ts';
import type { SignReport } from '../../steps/sign.ts';
import type { SignOutput } from '../outputs.ts';
import { table } from '../text.ts';
import { imageDocument } from './image.ts';

export const signaturesOf = (report: SignReport): SignOutput['signatures'] =>
  report.signatures.map(({ role, digest, mediaType, already }) => ({ role, digest, mediaType, already }));

export const signDocument = (subject: OutsideImage, report: SignReport): SignOutput => ({
  image: imageDocument(subject.repository, report.image),
  signatures: signaturesOf(report),
  already: report.already,
});

export const renderSign = (document: SignOutput): string =>
  [
    `${document.image.repository}@${document.image.digest}`,
    table(
      document.signatures.map((one) => [`  ${one.role}`, one.digest, one.already ? 'was there' : 'made now']),
    ),
  ].join('\n');
