import type { Analyzer, FileFacts } from './analyzer.ts';
import { textOf } from './analyzer.ts';

/**
 * `conda-meta/history`: what conda put into an environment and took out of it, transaction by transaction. What is in by it
 * must have a record; the history itself names no packages to be matched.
 */
export const condaHistory: Analyzer = {
  id: 'conda-history',
  version: 2,
  wants: (path) => isHistory(path),
  marks: (path) => (isHistory(path) ? { needs: [path] } : undefined),
  lookups: [],
  extract(path, bytes): FileFacts {
    const installed = new Set<string>();
    for (const line of textOf(bytes).split('\n')) {
      const [, sign, name] = /^([+-])(?:\S*::|\S*\/)?([A-Za-z0-9._+!-]{1,300})\s*$/.exec(line) ?? [];
      if (name === undefined) continue;
      if (sign === '+') installed.add(name);
      else installed.delete(name);
    }
    const directory = path.slice(0, -'history'.length);
    const expects = [...installed].map(
      (name) => `${directory}${name.replace(/\.(?:conda|tar\.bz2)$/, '')}.json`,
    );
    return expects.length === 0 ? {} : { expects };
  },
};

const isHistory = (path: string): boolean => /(?:^|\/)conda-meta\/history$/.test(path);
