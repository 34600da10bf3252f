import type { ImportReport } from '../../steps/import.ts';
import type { ImportOutput } from '../outputs.ts';

export const importDocument = (report: ImportReport): ImportOutput => ({
  release: {
    digest: report.document.index.digest,
    name: report.document.name,
    version: report.document.version,
    counter: report.document.release,
  },
  delivered: {
    reference: report.reference,
    repository: report.document.repository,
    digest: report.release.image.digest,
    tag: report.document.version,
  },
  receipt: {
    digest: report.receipt,
    verdict: report.verification.verdict,
    policyDigest: report.policyDigest,
  },
  route: report.route,
  transfers: report.transfers,
  already: report.already,
});

export const renderImport = (document: ImportOutput): string =>
  [
    `delivered  ${document.delivered.reference}`,
    `receipt    ${document.receipt.digest}`,
    `policy     ${document.receipt.policyDigest}`,
  ].join('\n');
