import type { Analyzer } from './analyzer.ts';

const directory = 'var/lib/dpkg/updates';
const entry = /^var\/lib\/dpkg\/updates\/\d+$/;

/**
 * `updates/NNNN`: what dpkg was about to write into `status` when it was stopped, and what it believes until it has. An
 * image should have none, so it is said to be unread, and not read.
 */
export const dpkgJournal: Analyzer = {
  id: 'dpkg-journal',
  version: 1,
  wants: (path) => entry.test(path),
  marks: (path) => (entry.test(path) ? { needs: [path] } : undefined),
  lookups: [directory],
  extract: (path, bytes) =>
    bytes.byteLength === 0
      ? {}
      : { problems: [`${path}: an entry of dpkg's journal, which dpkg believes over its database`] },
};
