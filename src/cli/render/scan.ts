import { decide } from '../../domain/verdict.ts';
import type { Decision } from '../../domain/verdict.ts';
import type { ScanReports } from '../../sides/outside.ts';
import type { ScanOutput } from '../outputs.ts';
import { adviceFor } from '../../policy/advice.ts';
import { renderNextSteps } from '../error.ts';
import { clean, count } from '../text.ts';
import { imageDocument } from './image.ts';
import { renderReasons, verdictWord } from './verdict.ts';

/** One answer over all platforms. */
const decisionOf = (reports: ScanReports): Decision =>
  decide(reports.platforms.flatMap((platform) => platform.decision.reasons));

export function scanDocument(reports: ScanReports): ScanOutput {
  const { platforms } = reports;
  const [first] = platforms;
  if (!first) throw new TypeError('an image without a platform was scanned');
  const decision = decisionOf(reports);
  const { database } = first.report;
  return {
    image: imageDocument(reports.repository, reports.image),
    verdict: decision.verdict,
    reasons: [...decision.reasons],
    ...(decision.verdict === 'allowed'
      ? {}
      : {
          nextSteps: [
            ...adviceFor(
              decision.reasons.filter((one) => one.verdict === decision.verdict),
              platforms.map(({ report }) => report),
            ),
          ],
        }),
    findings: platforms.flatMap(({ report }) =>
      report.findings.map((finding) => ({
        id: finding.id,
        aliases: [...finding.aliases],
        severity: finding.severity,
        ...(finding.score === undefined ? {} : { score: finding.score }),
        package: finding.package.name,
        version: finding.package.version,
        purl: finding.package.purl,
        fixedVersions: [...finding.fixedVersions],
      })),
    ),
    components: platforms.reduce((sum, { report }) => sum + report.coverage.components, 0),
    gaps: platforms.flatMap(({ report }) => [...report.coverage.gaps]),
    database: {
      digest: database.digest,
      ...(database.newest === undefined ? {} : { newest: database.newest }),
      ...(database.label === undefined ? {} : { label: database.label }),
    },
    sbom: { digest: first.sbom.digest },
    already: platforms.every((platform) => platform.already),
  };
}

export function renderScan(document: ScanOutput): string {
  const { database, findings, gaps } = document;
  const label = database.label === undefined ? '' : ` (${clean(database.label)})`;
  const lines = [
    `${document.image.repository}@${document.image.digest}`,
    `verdict    ${verdictWord(document.verdict)}`,
    `contents   ${count(document.components, 'package')}, ${count(findings.length, 'finding')}, ${count(gaps.length, 'gap')} in coverage`,
    `database   ${database.digest.slice(0, 19)}, newest record ${database.newest ?? 'none'}${label}`,
  ];
  if (document.reasons.length > 0) lines.push('reasons', renderReasons(document.reasons));
  lines.push(...renderNextSteps(document.nextSteps ?? []));
  return lines.join('\n');
}
