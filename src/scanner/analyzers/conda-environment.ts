import type { Analyzer, FileFacts } from './analyzer.ts';

/** What every environment of conda has, and what conda itself, its Python and its packages' scripts leave in one. */
const mark =
  /^(.*\/)?(?:conda-meta|condabin\/conda|etc\/conda\/(?:de)?activate\.d\/[^/]+|compiler_compat\/[^/]+)$/;
const unpacked = /^((?:.*\/)?)pkgs\/[^/]+\/info\/index\.json$/;
const body = /^((?:.*\/)?)(?:bin|lib)$/;
/** The last parts of these, as a cheap test: this runs for everything in an image. */
const last =
  /(?:^|\/)(?:bin|lib|conda-meta|condabin\/conda|activate\.d\/[^/]+|compiler_compat\/[^/]+|info\/index\.json)$/;

/** Marks an environment of conda by more than its records, so that one without them is not taken for none. */
export const condaEnvironment: Analyzer = {
  id: 'conda-environment',
  version: 2,
  wants: () => false,
  marks(path) {
    if (!last.test(path)) return undefined;
    const beside = body.exec(path)?.[1];
    if (beside !== undefined) return { tells: { installed: `${beside}conda-meta/` } };
    const environment = environmentOf(path);
    return environment && { tells: { environment } };
  },
  lookups: [],
  extract: () => ({}),
};

function environmentOf(path: string): FileFacts['environment'] {
  const cache = unpacked.exec(path)?.[1];
  if (cache !== undefined) return { directory: cache, caches: true };
  const found = mark.exec(path);
  if (!found) return undefined;
  const [, prefix = ''] = found;
  // A package in a cache has the files of an environment, and is none. Only an environment has `conda-meta`.
  const [, around] = /^((?:.*\/)?)pkgs\/[^/]+\/$/.exec(prefix) ?? [];
  return around === undefined || path.endsWith('conda-meta')
    ? { directory: `${prefix}conda-meta/`, caches: false }
    : { directory: around, caches: true };
}
