import { PackageURL } from 'packageurl-js';
import type { Digest } from '../domain/digest.ts';
import type { Component } from '../domain/scan.ts';
import type { FileFacts, FoundPackage } from './analyzers/analyzer.ts';
import { advisoryName, distributionEcosystem } from './ecosystems.ts';

type Distribution = NonNullable<FileFacts['distribution']>;

/** A component, and under which name advisories may speak of it. */
export interface InventoryItem {
  readonly component: Component;
  /** Undefined when nobody publishes advisories for it, or nobody knows which. */
  readonly match?: { readonly ecosystem: string; readonly name: string; readonly version: string };
  /** How the match came about, where that is not plain: a reader of the finding must know. */
  readonly note?: string;
}

/** Where a package was found, and what is known around it. */
export interface Surroundings {
  readonly layer: Digest;
  readonly path: string;
  readonly distribution: Distribution | undefined;
  /** It lies in a package manager's cache, from where nothing is imported. */
  readonly cached: boolean;
  /** The Debian package that put this file on disk. */
  readonly owner: { readonly name: string; readonly version: string } | undefined;
}

/** One component for a package; for a conda package one for each Python distribution that it carries. */
export function identify(found: FoundPackage, around: Surroundings): readonly InventoryItem[] {
  switch (found.type) {
    case 'deb':
      return [debianItem(found, around)];
    case 'pypi':
      return [pythonItem(found, around)];
    case 'conda':
      return condaItems(found, around);
  }
}

function debianItem(found: FoundPackage, around: Surroundings): InventoryItem {
  const { distribution } = around;
  const ecosystem = distribution && distributionEcosystem(distribution);
  const { name, version } = found.source ?? found;
  const qualifiers = {
    ...found.qualifiers,
    ...(distribution?.version === undefined ? {} : { distro: `${distribution.id}-${distribution.version}` }),
  };
  const component = componentOf(
    found,
    around,
    purlOf('deb', distribution?.id ?? 'debian', found, qualifiers),
    ecosystem,
  );
  return ecosystem === undefined ? { component } : { component, match: { ecosystem, name, version } };
}

function pythonItem(found: FoundPackage, around: Surroundings): InventoryItem {
  const { owner } = around;
  const name = advisoryName('PyPI', found.name);
  const purl = purlOf('pypi', undefined, { ...found, name });
  const component = componentOf({ ...found, ...(owner ? { source: owner } : {}) }, around, purl, 'PyPI');
  const note = around.cached
    ? "lies in conda's package cache, not installed: `conda clean --all` in the Dockerfile removes it"
    : owner &&
      `matched as PyPI package; its files belong to the Debian package ${owner.name} ${owner.version}, which may carry the fix under the old version`;
  return {
    component,
    match: { ecosystem: 'PyPI', name, version: found.version },
    ...(note === undefined ? {} : { note }),
  };
}

function condaItems(found: FoundPackage, around: Surroundings): readonly InventoryItem[] {
  const purl = purlOf('conda', undefined, found, found.qualifiers);
  if (!found.pypi) return [{ component: componentOf(found, around, purl, undefined) }];
  return found.pypi.map(({ name, version }) => ({
    component: componentOf(found, around, purl, 'PyPI'),
    match: { ecosystem: 'PyPI', name, version },
    note: `matched as PyPI package ${name} ${version}, which this conda package carries`,
  }));
}

function componentOf(
  found: FoundPackage,
  around: Surroundings,
  purl: string,
  ecosystem: string | undefined,
): Component {
  return {
    name: found.name,
    version: found.version,
    purl,
    ...(found.source === undefined ? {} : { source: found.source }),
    ...(ecosystem === undefined ? {} : { ecosystem }),
    ...(found.licenses === undefined ? {} : { licenses: found.licenses }),
    ...(around.cached ? { cached: true as const } : {}),
    layer: around.layer,
    path: around.path,
  };
}

const purlOf = (
  type: string,
  namespace: string | undefined,
  { name, version }: { readonly name: string; readonly version: string },
  qualifiers?: Record<string, string>,
): string => new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
