import type { ImportReport } from '../../steps/import.ts';
import type { DiscardReport } from '../../steps/import/discard.ts';
import type { DiscardOutput, ImportOutput } from '../outputs.ts';
import { count } from '../text.ts';

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

export const discardDocument = ({
  document,
  repository,
  removed,
  kept,
  already,
}: DiscardReport): DiscardOutput => ({
  release: {
    digest: document.index.digest,
    name: document.name,
    version: document.version,
    counter: document.release,
  },
  quarantine: repository,
  removed: [...removed],
  kept: [...kept],
  already,
});

export const renderDiscard = ({ quarantine, removed, kept, already }: DiscardOutput): string =>
  [
    already
      ? `nothing to remove from ${quarantine}`
      : `removed ${count(removed.length, 'manifest')} from ${quarantine}`,
    ...(kept.length > 0 ? [`kept ${kept.length}: another release that waits there lists them too`] : []),
  ].join('\n');
