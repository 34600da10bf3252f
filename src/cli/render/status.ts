import type { StatusOutput } from '../outputs.ts';
import { clean, table } from '../text.ts';

export function renderStatus({ name, version, repository, outside, inside }: StatusOutput): string {
  const rows: string[][] = [];
  if (typeof outside === 'string') rows.push(['outside', outside]);
  else {
    // Asked by release.json, nothing is known of what the image manifest would build now.
    if (outside.built !== undefined || outside.published === undefined)
      rows.push(['outside', 'built', outside.built ?? 'no, or from other sources']);
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

const unproven = ({ proof }: { readonly proof: 'verified' | 'unverified' }): string =>
  proof === 'verified' ? '' : ' (unverified: not submitted from here, or not what was submitted)';

const releaseRows = (
  releases: readonly { counter: number; version: string; digest: string }[],
): string[][] =>
  releases.length === 0
    ? [['', 'releases', 'none']]
    : releases.map((release) => ['', `release ${release.counter}`, `${release.version} ${release.digest}`]);
