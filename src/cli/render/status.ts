import type { StatusOutput } from '../outputs.ts';
import { clean, count, table } from '../text.ts';

export function renderStatus(
  { name, version, repository, outside, inside }: StatusOutput,
  now = new Date(),
): string {
  const rows: string[][] = [];
  if (typeof outside === 'string') rows.push(['outside', outside]);
  else {
    // Asked by release.json, nothing is known of what the image manifest would build now.
    if (outside.built !== undefined || outside.published === undefined)
      rows.push(['outside', 'built', builtCell(outside)]);
    rows.push([rows.length === 0 ? 'outside' : '', 'published', outside.published ?? 'no']);
    rows.push(...releaseRows(outside.releases));
  }
  if (typeof inside === 'string') rows.push(['inside', inside]);
  else {
    rows.push([
      'inside',
      'delivered',
      inside.delivered ? `${inside.delivered.tag} ${inside.delivered.digest}` : 'no',
    ]);
    rows.push(...releaseRows(inside.releases), ['', 'receipts', String(inside.receipts)]);
    rows.push(...quarantineRows(inside.quarantine, now));
    for (const { workspace, id } of inside.environments) rows.push(['', `in ${workspace}`, id]);
    if (inside.environments.length === 0) rows.push(['', 'environment', 'none']);
    rows.push([
      '',
      'last job',
      inside.lastJob
        ? `${clean(inside.lastJob.name)}: ${clean(inside.lastJob.status)}${unproven(inside.lastJob)}`
        : 'none',
    ]);
  }
  return `${name} ${version} (${repository})\n${table(rows)}`;
}

const builtCell = ({ built, notLookedUp }: Exclude<StatusOutput['outside'], string>): string =>
  built ??
  (notLookedUp === undefined
    ? 'not yet, or from other sources'
    : `could not check, the base was not looked up: ${clean(notLookedUp)}`);

const unproven = ({ proof }: { readonly proof: 'verified' | 'unverified' }): string =>
  proof === 'verified' ? '' : ' (unverified: not submitted from here, or not what was submitted)';

const releaseRows = (
  releases: readonly { counter: number; version: string; digest: string }[],
): string[][] =>
  releases.length === 0
    ? [['', 'releases', 'none']]
    : releases.map((release) => ['', `release ${release.counter}`, `${release.version} ${release.digest}`]);

function quarantineRows(
  waiting: Exclude<StatusOutput['inside'], string>['quarantine'],
  now: Date,
): string[][] {
  if (waiting === undefined) return [];
  if (typeof waiting === 'string') return [['', 'quarantine', waiting]];
  return waiting.map(({ digest, since, release }) => [
    '',
    'quarantine',
    `${release ? `release ${release.counter}, ${clean(release.version)}, ` : ''}${digest} ${ageOf(since, now)}`,
  ]);
}

function ageOf(since: string | undefined, now: Date): string {
  if (since === undefined) return '(since when is not visible)';
  const hours = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 3_600_000));
  return `since ${since} (${hours < 48 ? count(hours, 'hour') : count(Math.floor(hours / 24), 'day')})`;
}
