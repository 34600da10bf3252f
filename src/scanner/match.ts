import type { CoverageGap, Finding } from '../domain/scan.ts';
import type { InventoryItem } from './identify.ts';
import type { Hit } from './merge.ts';
import { mergeHits } from './merge.ts';
import type { Advisories } from './osv/advisories.ts';
import { evaluate } from './osv/range.ts';
import type { Advisory } from './osv/record.ts';
import type { VersionScheme } from './versions/scheme.ts';
import { versionSchemeOf } from './versions/scheme.ts';

export interface Matches {
  /** By package, then by id. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly CoverageGap[];
  /** Ecosystems of the image that the database covers. */
  readonly ecosystems: readonly string[];
}

/** Inventory × advisories. What cannot be compared is a gap, never "not affected". */
export async function matchAdvisories(
  items: readonly InventoryItem[],
  advisories: Advisories,
): Promise<Matches> {
  const findings: Finding[] = [];
  const gaps = new Map<string, CoverageGap>();
  const ecosystems = new Set<string>();
  const report = (gap: CoverageGap): void => void gaps.set(JSON.stringify([gap.code, gap.subject]), gap);
  for (const item of items) {
    const { match } = item;
    if (!match) continue;
    const scheme = versionSchemeOf(match.ecosystem);
    if (!scheme || !advisories.covers(match.ecosystem)) {
      report(noDatabase(match.ecosystem));
      continue;
    }
    ecosystems.add(match.ecosystem);
    const known = await advisories.lookup(match.ecosystem, match.name);
    const found = compareAll(known, match, scheme);
    found.gaps.forEach(report);
    findings.push(...mergeHits(item, found.hits, scheme, (id) => advisories.vectorsOf(id)));
  }
  return { findings: findings.sort(byPackage), gaps: [...gaps.values()], ecosystems: [...ecosystems].sort() };
}

function compareAll(
  advisories: readonly Advisory[],
  match: NonNullable<InventoryItem['match']>,
  scheme: VersionScheme,
): { readonly hits: readonly Hit[]; readonly gaps: readonly CoverageGap[] } {
  const subject = `${match.name} ${match.version} (${match.ecosystem})`;
  const version = scheme.normalize(match.version);
  if (version === undefined) {
    if (advisories.length === 0) return { hits: [], gaps: [] };
    const detail = `its version cannot be compared with ${String(advisories.length)} advisories`;
    return { hits: [], gaps: [{ code: 'UNPARSABLE_VERSION', subject, detail }] };
  }
  const hits: Hit[] = [];
  const gaps: CoverageGap[] = [];
  for (const advisory of advisories) {
    const affected = evaluate(advisory, version, scheme);
    if (affected.answer === 'affected') hits.push({ advisory, fixedVersions: affected.fixedVersions });
    if (affected.answer === 'unknown') {
      gaps.push({
        code: 'UNPARSABLE_VERSION',
        subject: `${advisory.id} for ${subject}`,
        detail: affected.detail,
      });
    }
  }
  return { hits, gaps };
}

const noDatabase = (ecosystem: string): CoverageGap => ({
  code: 'NO_DATABASE',
  subject: ecosystem,
  detail: `the advisory database says nothing about ${ecosystem}`,
});

function byPackage(a: Finding, b: Finding): number {
  const keys = (finding: Finding): readonly string[] => [
    finding.package.purl,
    finding.path ?? '',
    finding.id,
  ];
  const [left, right] = [keys(a), keys(b)];
  const index = left.findIndex((key, at) => key !== right[at]);
  return index < 0 ? 0 : (left[index] ?? '') < (right[index] ?? '') ? -1 : 1;
}
