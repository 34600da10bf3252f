import type { Analyzer, FileFacts } from './analyzer.ts';
import { textOf } from './analyzer.ts';
import { holdsCredential } from './credentials.ts';

/** os-release(5). `/etc/os-release` goes first; usually it is a link to the other one. */
export const osReleasePaths = ['etc/os-release', 'usr/lib/os-release'] as const;

export const osRelease: Analyzer = {
  id: 'os-release',
  version: 2,
  wants: (path) => osReleasePaths.some((known) => known === path),
  marks: (path) => (osReleasePaths.some((known) => known === path) ? { needs: [path] } : undefined),
  lookups: osReleasePaths,
  extract(path, bytes): FileFacts {
    const values = parseOsRelease(textOf(bytes));
    const id = values.get('ID') ?? 'linux';
    const version = values.get('VERSION_ID');
    const isPlain = (value: string): boolean => /^[a-z0-9._-]{1,64}$/i.test(value);
    if (!isPlain(id) || (version !== undefined && !isPlain(version))) {
      return { problems: [`${path}: ID or VERSION_ID is not of the form of os-release(5)`] };
    }
    const name = values.get('PRETTY_NAME');
    return {
      distribution: {
        id,
        ...(version === undefined ? {} : { version }),
        ...(name === undefined || holdsCredential(name) ? {} : { name: name.slice(0, 200) }),
      },
    };
  },
};

/** `KEY=value` with the quoting of a shell; the last assignment counts. */
function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/.exec(line.trimStart());
    const key = match?.[1];
    if (key !== undefined) {
      values.set(key, (match?.[2] ?? match?.[3] ?? match?.[4] ?? '').replace(/\\(.)/g, '$1'));
    }
  }
  return values;
}
