import type { ScanReport } from '../domain/scan.ts';
import type { Reason } from '../domain/verdict.ts';
import { formatDuration } from '../manifest/units.ts';
import type { PolicyRules } from '../manifest/policy.ts';

/** A clock may be a little fast (threat 37), but a scan from next week proves nothing about today. */
const skewSeconds = 300;

/** Threats 9 and 32: an old scan, or one made with old advisories, says little about today. It can be made again, so: inconclusive. */
export function freshnessReasons(
  report: ScanReport,
  rules: PolicyRules['scan'],
  now: Date,
): readonly Reason[] {
  const scanned = staleness(report.finishedAt, rules.maxAge, now);
  const advisories = staleness(report.database.newest, rules.databaseMaxAge ?? rules.maxAge, now);
  return [
    ...(scanned ? [reason('STALE_SCAN', report.image, `the scan ${scanned}; scan again`)] : []),
    ...(advisories
      ? [
          reason(
            'STALE_DATABASE',
            report.database.digest,
            `the newest advisory ${advisories}; refresh the database`,
          ),
        ]
      : []),
  ];
}

const reason = (code: 'STALE_SCAN' | 'STALE_DATABASE', subject: string, detail: string): Reason => ({
  code,
  verdict: 'inconclusive',
  subject,
  detail,
});

/** undefined = fresh. */
function staleness(time: string | undefined, maxAge: number, now: Date): string | undefined {
  if (time === undefined) return 'has no date';
  const age = (now.getTime() - Date.parse(time)) / 1000;
  if (Number.isNaN(age)) return 'has no readable date';
  if (age < -skewSeconds) return `is dated ${time}, which is in the future`;
  return age > maxAge ? `is of ${time}, older than ${formatDuration(maxAge)}` : undefined;
}
