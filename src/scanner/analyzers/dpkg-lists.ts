import type { Analyzer, FileFacts } from './analyzer.ts';
import { textOf } from './analyzer.ts';

const directory = 'var/lib/dpkg/info';
const form = /^([^/]+?)(?::[a-z0-9-]+)?\.(?:list|md5sums)$/;

/**
 * What dpkg unpacked, apart from its database (dpkg(1)): `info/PACKAGE.list` and `.md5sums`. Their names mark a package that
 * the database must know; of the lists, what tells which Python metadata came with a Debian package is read.
 */
export const dpkgLists: Analyzer = {
  id: 'dpkg-lists',
  version: 1,
  wants: (path) => path.endsWith('.list') && nameOf(path) !== undefined,
  marks(path) {
    const name = nameOf(path);
    if (name === undefined) return undefined;
    // Of a package that was removed but not purged, dpkg keeps the list.
    return { tells: path.endsWith('.list') ? { listed: name } : { unpacked: name } };
  },
  lookups: [directory],
  extract(path, bytes): FileFacts {
    const paths = textOf(bytes)
      .split('\n')
      .filter((line) => /\.(?:egg|dist)-info$/.test(line))
      .map((line) => line.replace(/^\/+/, ''));
    return paths.length === 0 ? {} : { owns: { package: nameOf(path) ?? '', paths } };
  },
};

const nameOf = (path: string): string | undefined =>
  path.startsWith(`${directory}/`) ? form.exec(path.slice(directory.length + 1))?.[1] : undefined;
