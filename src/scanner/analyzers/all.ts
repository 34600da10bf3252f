import type { FileSelection } from '../../oci/walk/walk.ts';
import type { Analyzer, FileFacts } from './analyzer.ts';
import { fileFactsSchema } from './analyzer.ts';
import { condaEnvironment } from './conda-environment.ts';
import { condaHistory } from './conda-history.ts';
import { conda } from './conda.ts';
import { dpkgJournal } from './dpkg-journal.ts';
import { dpkgLists } from './dpkg-lists.ts';
import { dpkg } from './dpkg.ts';
import { osRelease } from './os-release.ts';
import { python } from './python.ts';
import { unsupported } from './unsupported.ts';

export const analyzers: readonly Analyzer[] = [
  osRelease,
  dpkg,
  dpkgLists,
  dpkgJournal,
  python,
  conda,
  condaHistory,
  unsupported,
  condaEnvironment,
];

const wantedBy = (path: string): Analyzer | undefined => analyzers.find((analyzer) => analyzer.wants(path));

/** All analysers as one choice of files for `walkImage`. */
export const fileSelection: FileSelection<FileFacts> = {
  version: analyzers.map(({ id, version }) => `${id}/${String(version)}`).join(' '),
  wants: (path) => wantedBy(path) !== undefined,
  role: (path) => wantedBy(path)?.id ?? '',
  marks(path, kind) {
    for (const analyzer of analyzers) {
      const mark = analyzer.marks(path, kind);
      if (mark) return mark;
    }
    return undefined;
  },
  lookups: analyzers.flatMap(({ lookups }) => lookups),
  extract: (path, bytes) => wantedBy(path)?.extract(path, bytes) ?? {},
  revive: (value) => fileFactsSchema.parse(value),
};
