import type { Finding } from '../domain/scan.ts';
import type { InventoryItem } from './identify.ts';
import { sortVersions } from './osv/range.ts';
import type { Advisory } from './osv/record.ts';
import type { Rating } from './severity.ts';
import { ratingOfUrgency, ratingOfVectors, worseRating } from './severity.ts';
import type { VersionScheme } from './versions/scheme.ts';

/** An advisory that is about a component. */
export interface Hit {
  readonly advisory: Advisory;
  readonly fixedVersions: readonly string[];
}

/** CVSS vectors that the database holds for an id, whatever package its record is about. */
export type VectorsOf = (id: string) => readonly string[];

/** How an id is preferred as the name of a finding: what people search for first. */
const idOrder = ['CVE-', 'PYSEC-', 'GHSA-', 'DEBIAN-CVE-', 'DSA-', 'DLA-'];

/**
 * One finding per vulnerability of a component, however many records tell of it. Records are the same vulnerability when one
 * names the other, or both name a third, as `aliases`, or as the only `upstream`. A record with several upstreams is an
 * update that deals with several vulnerabilities (DSA): it never glues them together, or an exception for one of them would
 * cover all; it is left out when every one of them is a finding of its own.
 */
export function mergeHits(
  item: InventoryItem,
  hits: readonly Hit[],
  scheme: VersionScheme,
  vectorsOf: VectorsOf,
): readonly Finding[] {
  const groups = groupHits(hits);
  const named = new Set(groups.flatMap((group) => group.flatMap(({ advisory }) => sameIds(advisory))));
  return groups
    .filter(
      (group) =>
        !group.every(
          ({ advisory }) => isCollection(advisory) && advisory.upstream.every((id) => named.has(id)),
        ),
    )
    .map((group) => findingOf(item, group, scheme, vectorsOf));
}

const isCollection = (advisory: Advisory): boolean => new Set(advisory.upstream).size > 1;

/** Every id that stands for the same vulnerability as the record, its own included. */
const sameIds = (advisory: Advisory): readonly string[] => [
  advisory.id,
  ...advisory.aliases,
  ...(isCollection(advisory) ? [] : advisory.upstream),
];

function groupHits(hits: readonly Hit[]): readonly (readonly Hit[])[] {
  let groups: { readonly ids: ReadonlySet<string>; readonly hits: readonly Hit[] }[] = [];
  for (const hit of hits) {
    const ids = new Set(sameIds(hit.advisory));
    const touching = groups.filter((group) => !group.ids.isDisjointFrom(ids));
    const merged = {
      ids: new Set([...ids, ...touching.flatMap((group) => [...group.ids])]),
      hits: [...touching.flatMap((group) => group.hits), hit],
    };
    groups = [...groups.filter((group) => !touching.includes(group)), merged];
  }
  return groups.map((group) => group.hits);
}

function findingOf(
  { component, note }: InventoryItem,
  group: readonly Hit[],
  scheme: VersionScheme,
  vectorsOf: VectorsOf,
): Finding {
  const advisories = group.map(({ advisory }) => advisory).sort((a, b) => compareIds(a.id, b.id));
  const [first] = advisories;
  if (!first) throw new TypeError('a group without a hit');
  const aliases = [...new Set(advisories.flatMap(sameIds))].filter((id) => id !== first.id).sort();
  const covers = isCollection(first) ? `deals with ${first.upstream.join(', ')}` : undefined;
  const summary = [first.summary, covers, note]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
  const newest = advisories.map(({ modified }) => modified).sort((a, b) => Date.parse(b) - Date.parse(a))[0];
  const { name, version, purl, source, layer, path } = component;
  return {
    id: first.id,
    aliases,
    ...ratingOf(advisories, aliases, vectorsOf),
    ...(summary === '' ? {} : { summary }),
    package: { name, version, purl, ...(source === undefined ? {} : { source }) },
    fixedVersions: sortVersions(
      group.flatMap(({ fixedVersions }) => fixedVersions),
      scheme,
    ),
    layer,
    path,
    ...(newest === undefined ? {} : { advisoryModified: newest }),
  };
}

/** The record's own vector, an alias's, the ecosystem's word, else unknown. Published malware needs no vector. */
function ratingOf(advisories: readonly Advisory[], aliases: readonly string[], vectorsOf: VectorsOf): Rating {
  if ([...advisories.map(({ id }) => id), ...aliases].some((id) => id.startsWith('MAL-')))
    return { severity: 'critical' };
  const upstream = advisories.flatMap((advisory) => advisory.upstream);
  const words = advisories
    .map(({ urgency }) => ratingOfUrgency(urgency))
    .filter((rating) => rating !== undefined);
  return (
    ratingOfVectors(advisories[0]?.vectors ?? []) ??
    ratingOfVectors([
      ...advisories.flatMap(({ vectors }) => vectors),
      ...[...aliases, ...upstream].flatMap((id) => vectorsOf(id)),
    ]) ??
    words.reduce<Rating>(worseRating, { severity: 'unknown' })
  );
}

function compareIds(a: string, b: string): number {
  const rank = (id: string): number => {
    const index = idOrder.findIndex((prefix) => id.startsWith(prefix));
    return index < 0 ? idOrder.length : index;
  };
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}
