import type { FileFacts } from './analyzers/analyzer.ts';

/** The OSV ecosystems (without release) that this scanner can match; databases of others are not read. */
export const knownEcosystems: readonly string[] = ['Debian', 'PyPI'];

type Distribution = NonNullable<FileFacts['distribution']>;

/** The OSV ecosystem of a distribution's own packages, or undefined when this scanner does not know one. */
export const distributionEcosystem = ({ id, version }: Distribution): string | undefined =>
  id === 'debian' && version !== undefined ? `Debian:${version}` : undefined;

/** The name under which an ecosystem's advisories list a package. PyPI: PEP 503. */
export const advisoryName = (ecosystem: string, name: string): string =>
  ecosystem === 'PyPI' ? name.toLowerCase().replace(/[-_.]+/g, '-') : name;
