import type { FileSelection } from '../../oci/walk/walk.ts';
import type { Analyzer, FileFacts } from './analyzer.ts';
import { fileFactsSchema } from './analyzer.ts';
import { conda } from './conda.ts';
import { dpkg } from './dpkg.ts';
import { osRelease } from './os-release.ts';
import { python } from './python.ts';
import { unsupported } from './unsupported.ts';

const analyzers: readonly Analyzer[] = [osRelease, dpkg, python, conda, unsupported];

const wantedBy = (path: string): Analyzer | undefined =>
  analyzers.find((analyzer) => analyzer.wants(path) !== false);

/** All analysers as one choice of files for `walkImage`. */
export const fileSelection: FileSelection<FileFacts> = {
  version: analyzers.map(({ id, version }) => `${id}/${String(version)}`).join(' '),
  wants: (path) => wantedBy(path)?.wants(path) ?? false,
  lookups: analyzers.flatMap(({ lookups }) => lookups),
  extract: (path, bytes) => wantedBy(path)?.extract(path, bytes) ?? {},
  revive: (value) => fileFactsSchema.parse(value),
};
