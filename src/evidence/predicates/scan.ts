import * as z from 'zod';
import type { Digest } from '../../domain/digest.ts';
import { coverageGapCodes } from '../../domain/scan.ts';
import type { ScanReport } from '../../domain/scan.ts';
import { malformed } from '../check.ts';
import { digestField, mustEqual, parseWith, timeField } from './fields.ts';

/** cosign's vulnerability predicate (COSIGN_VULN_ATTESTATION_SPEC.md); our report is the scanner's result. */
export const scanPredicate = (report: ScanReport): unknown => ({
  invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
  scanner: {
    uri: report.scanner.uri,
    version: report.scanner.version,
    db: { uri: report.database.label ?? '', version: report.database.digest },
    result: report,
  },
  metadata: { scanStartedOn: report.startedAt, scanFinishedOn: report.finishedAt },
});

const text = z.string().max(64 * 1024);
const packageSchema = z.strictObject({
  name: text,
  version: text,
  purl: text,
  source: z.strictObject({ name: text, version: text }).exactOptional(),
});

const findingSchema = z.strictObject({
  id: text,
  aliases: z.array(text),
  severity: z.enum(['none', 'low', 'medium', 'high', 'critical', 'unknown']),
  score: z.number().min(0).max(10).exactOptional(),
  summary: text.exactOptional(),
  package: packageSchema,
  fixedVersions: z.array(text),
  layer: digestField.exactOptional(),
  path: text.exactOptional(),
  advisoryModified: text.exactOptional(),
});

const gapSchema = z.strictObject({
  code: z.enum(coverageGapCodes),
  subject: text,
  detail: text,
});

/** Every member is named: a report with a member that this version does not know could mean something else to its writer. */
export const scanReportSchema = z.strictObject({
  image: digestField,
  scanner: z.strictObject({ name: text, version: text, uri: text }),
  database: z.strictObject({
    digest: digestField,
    newest: text.exactOptional(),
    ecosystems: z.array(text),
    label: text.exactOptional(),
  }),
  startedAt: timeField,
  finishedAt: timeField,
  findings: z.array(findingSchema),
  coverage: z.strictObject({
    components: z.int().min(0),
    ecosystems: z.array(text),
    gaps: z.array(gapSchema),
  }),
});

const predicateSchema = z.looseObject({ scanner: z.looseObject({ result: scanReportSchema }) });

/**
 * The report back from a signed predicate.
 * @throws CONTENT_INVALID when it is not ours, contradicts itself, or is about another image (threat 12)
 */
export function parseScanPredicate(predicate: unknown, image: Digest, where: string): ScanReport {
  const report: ScanReport = parseWith(predicateSchema, predicate, where).scanner.result;
  mustEqual(predicate, scanPredicate(report), where);
  if (report.image !== image) malformed(where, `its report is about ${report.image}`);
  return report;
}
