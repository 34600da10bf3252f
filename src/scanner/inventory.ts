import type { CoverageGap } from '../domain/scan.ts';
import type { Told, WalkProblem, WalkResult, WalkedFile } from '../oci/walk/walk.ts';
import type { FileFacts } from './analyzers/analyzer.ts';
import { condaCaches } from './analyzers/conda.ts';
import { osReleasePaths } from './analyzers/os-release.ts';
import { distributionEcosystem } from './ecosystems.ts';
import type { InventoryItem } from './identify.ts';
import { identify } from './identify.ts';

export interface Inventory {
  readonly items: readonly InventoryItem[];
  readonly distribution: FileFacts['distribution'];
  /** What could not be read or is not known. */
  readonly gaps: readonly CoverageGap[];
}

type Facts = WalkedFile<FileFacts>;

/** Everything that the files of an image tell about what is installed in it. */
export function takeInventory(walk: WalkResult<FileFacts>): Inventory {
  const distribution = distributionOf(walk.files);
  const owners = ownersOf(walk.files);
  const isCached = condaCaches(walk.files.map(({ path }) => path));
  const items = walk.files.flatMap(({ path, layer, value }) =>
    (value.packages ?? []).flatMap((found) =>
      identify(found, { layer, path, distribution, cached: isCached(path), owner: owners(path) }),
    ),
  );
  return {
    items,
    distribution,
    gaps: [
      ...walk.problems.map(problemGap),
      ...walk.unmet.map(({ path, needs }): CoverageGap => ({
        code: 'UNREADABLE_METADATA',
        subject: path,
        detail: `marks a package, but there is no file to be read at ${needs.join(' or ')}`,
      })),
      ...walk.files.flatMap(({ path, value }) =>
        (value.problems ?? []).map((detail): CoverageGap => ({
          code: 'UNREADABLE_METADATA',
          subject: path,
          detail,
        })),
      ),
      ...distributionGaps(distribution),
      ...debianGaps(walk, distribution),
      ...expectedGaps(walk),
      ...environmentGaps(walk),
      ...unsupportedGaps(walk.told),
      ...unmatchedGaps(items),
    ],
  };
}

function distributionOf(files: readonly Facts[]): FileFacts['distribution'] {
  const found = osReleasePaths.map((path) =>
    files.find((file) => file.path === path && file.value.distribution),
  );
  return found.find((file) => file !== undefined)?.value.distribution;
}

/** Which Debian package owns a path, by `info/*.list`; a directory in the list stands for what is in it. */
function ownersOf(files: readonly Facts[]): (path: string) => { name: string; version: string } | undefined {
  const versions = new Map(
    files.flatMap(({ value }) =>
      (value.packages ?? []).flatMap((found) => (found.type === 'deb' ? [[found.name, found.version]] : [])),
    ) as [string, string][],
  );
  const names = new Map<string, string>();
  for (const { value } of files)
    for (const path of value.owns?.paths ?? []) names.set(path, value.owns?.package ?? '');
  return (path) => {
    const name = names.get(path) ?? names.get(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
    const version = name === undefined ? undefined : versions.get(name);
    return name === undefined || version === undefined ? undefined : { name, version };
  };
}

function distributionGaps(distribution: FileFacts['distribution']): readonly CoverageGap[] {
  const code = 'UNKNOWN_DISTRIBUTION';
  if (!distribution)
    return [{ code, subject: 'image', detail: 'there is no os-release that names a distribution' }];
  if (distributionEcosystem(distribution) !== undefined) return [];
  const subject = [distribution.id, distribution.version].filter((part) => part !== undefined).join(' ');
  return [
    { code, subject, detail: 'this scanner cannot match the packages of this distribution or release' },
  ];
}

/** Debian's database against what dpkg leaves beside it, and against what the image says it is. */
function debianGaps(
  { files, told }: WalkResult<FileFacts>,
  distribution: FileFacts['distribution'],
): readonly CoverageGap[] {
  const names = new Set(
    files.flatMap(({ value }) =>
      (value.packages ?? []).flatMap(({ type, name }) => (type === 'deb' ? [name] : [])),
    ),
  );
  const removed = new Set(files.flatMap(({ value }) => value.removed ?? []));
  const unknown = told.flatMap(({ value: { unpacked, listed } }) => {
    const isKnown = (name: string): boolean =>
      names.has(name) || (unpacked === undefined && removed.has(name));
    return [unpacked ?? listed ?? []].flat().filter((name) => !isKnown(name));
  });
  const gap = (detail: string): CoverageGap => ({
    code: 'UNREADABLE_METADATA',
    subject: 'var/lib/dpkg/status',
    detail,
  });
  const isDebian = distribution !== undefined && distributionEcosystem(distribution) !== undefined;
  return [
    ...(isDebian && names.size === 0
      ? [gap('the image says that it is Debian, but no package database names a package')]
      : []),
    ...(unknown.length > 0
      ? [gap(`does not have packages that dpkg has unpacked: ${examples([...new Set(unknown)])}`)]
      : []),
  ];
}

/** Packages that are said to be installed, and of which there is no record. */
function expectedGaps({ files, problems, unmet }: WalkResult<FileFacts>): readonly CoverageGap[] {
  const seen = new Set([...files, ...problems, ...unmet].map(({ path }) => path));
  return files.flatMap(({ path, value }) => {
    const missing = (value.expects ?? []).filter((expected) => !seen.has(expected));
    if (missing.length === 0) return [];
    const detail = `says that packages are installed of which there is no record: ${examples(missing)}`;
    return [{ code: 'UNREADABLE_METADATA', subject: path, detail } as const];
  });
}

/**
 * Environments of conda that have no record, or no history by which records could be missed: conda writes both. A cache of
 * packages belongs to the environments beside and below it.
 */
function environmentGaps({ files, told }: WalkResult<FileFacts>): readonly CoverageGap[] {
  const records = files.filter(({ value }) => value.packages?.some(({ type }) => type === 'conda'));
  const recorded = new Set(records.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)));
  const seen = new Set(files.map(({ path }) => path));
  // Any mark but `conda-meta` itself. Without, it may be as micromamba leaves the prefix around its environments.
  const occupied = new Set(
    told.map(({ path, value: { environment, installed } }) =>
      environment && !environment.caches && `${path}/` !== environment.directory
        ? environment.directory
        : installed,
    ),
  );
  const missing = ({ directory, caches }: NonNullable<FileFacts['environment']>): string | undefined => {
    if (caches)
      return [...recorded].some((one) => one.startsWith(directory)) ? undefined : 'record of a package';
    if (!recorded.has(directory)) return occupied.has(directory) ? 'record of a package' : undefined;
    return seen.has(`${directory}history`) ? undefined : 'history';
  };
  const gaps = told.flatMap(({ path, value: { environment } }): [string, CoverageGap][] => {
    if (!environment) return [];
    const what = missing(environment);
    if (what === undefined) return [];
    const detail = `marks an environment of conda, but there is no ${what} to be read in ${environment.directory}`;
    return [[environment.directory, { code: 'UNREADABLE_METADATA', subject: path, detail }]];
  });
  return [...new Map(gaps).values()];
}

function problemGap({ layer, path, detail }: WalkProblem): CoverageGap {
  if (path !== undefined)
    return {
      code: 'UNREADABLE_METADATA',
      subject: path,
      detail: layer === undefined ? detail : `${detail} (layer ${layer})`,
    };
  return { code: 'UNREADABLE_LAYER', subject: layer ?? 'image', detail };
}

function unsupportedGaps(told: readonly Told<FileFacts>[]): readonly CoverageGap[] {
  const found = told.flatMap(({ path, value }) =>
    value.unsupported === undefined ? [] : [[value.unsupported, path] as const],
  );
  return [...Map.groupBy(found, ([manager]) => manager)].map(([manager, of]) => ({
    code: 'UNMATCHED_PACKAGE',
    subject: manager,
    detail: `this scanner does not read what ${manager} installed: ${examples(of.map(([, path]) => path))}`,
  }));
}

/** Packages that were read but that no advisory can name. Debian packages without a known release are a gap already. */
function unmatchedGaps(items: readonly InventoryItem[]): readonly CoverageGap[] {
  const names = items
    .filter(({ match, component }) => match === undefined && component.purl.startsWith('pkg:conda/'))
    .map(({ component }) => `${component.name} ${component.version}`);
  if (names.length === 0) return [];
  return [
    {
      code: 'UNMATCHED_PACKAGE',
      subject: 'conda',
      detail: `there are no advisories for conda packages without a PyPI name: ${examples(names)}`,
    },
  ];
}

function examples(all: readonly string[]): string {
  const shown = all
    .slice(0, 10)
    .map((one) => one.slice(0, 200))
    .join(', ');
  return all.length > 10 ? `${shown} and ${String(all.length - 10)} more` : shown;
}
