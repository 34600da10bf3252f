import test from 'ava';
import { analyzers } from '../../src/scanner/analyzers/all.ts';

/**
 * Files of an image are text of strangers: none may take an analyser more than linear time. 400 kB of one character took the
 * better part of a minute where an expression looked at each run of blanks anew.
 */
const size = 400_000;
/** Milliseconds of processor time: a hundred times what it takes, and a fraction of what a quadratic reader needs. */
const enough = 4000;

const paths: Readonly<Record<string, string>> = {
  'os-release': 'etc/os-release',
  dpkg: 'var/lib/dpkg/status',
  'dpkg-lists': 'var/lib/dpkg/info/a.list',
  'dpkg-journal': 'var/lib/dpkg/updates/0000',
  python: 'usr/lib/python3/dist-packages/a-1.dist-info/METADATA',
  conda: 'opt/conda/conda-meta/a-1-0.json',
  'conda-history': 'opt/conda/conda-meta/history',
};

const runs: readonly (readonly [what: string, text: string])[] = [
  ['blanks behind a value', `Package: a${' '.repeat(size)}b\n`],
  ['blanks before a value', `Name:${' '.repeat(size)}a\n`],
  ['blank lines', `Package: a\n${'\n'.repeat(size)}`],
  ['lines of blanks', ` \n`.repeat(size / 2)],
  ['blanks and returns', `Name: a${' \r\t'.repeat(size / 3)}\u00a0\n`],
  ['colons', `Name: a\n${':'.repeat(size)}\n`],
  ['letters without a colon', 'a'.repeat(size)],
  ['quotes', `ID="${'\\"'.repeat(size / 2)}\n`],
  ['open quotes', `ID=${'"'.repeat(size)}\n`],
  ['history signs', `+${'a::'.repeat(size / 3)} b\n`],
  ['slashes', `/${'a/'.repeat(size / 2)}\n`],
  ['braces', '{"files":['.repeat(size / 10)],
];

for (const analyzer of analyzers) {
  test(`linear in what it reads: ${analyzer.id}`, (t) => {
    for (const [what, text] of runs) {
      const before = process.cpuUsage();
      analyzer.extract(paths[analyzer.id] ?? 'x', Buffer.from(text));
      const { user } = process.cpuUsage(before);
      t.true(user / 1000 < enough, `${what}: ${String(user / 1000)} ms`);
    }
  });
}
