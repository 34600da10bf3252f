import { chmod, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { buildOracle, findOracles, isCurrent } from '../../scripts/oracles.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

/** `go build … -o FILE .`, played: the program is a copy of main.go; a main.go that says `broken` does not compile. */
const playedGo = `#!/bin/sh
while [ "$1" != -o ]; do shift; done
read -r line < main.go
if [ "$line" = broken ]; then echo 'main.go:1: broken' >&2; exit 1; fi
echo "$line" > "$2"
`;

test('every folder with a go.mod is built, and again when its sources change', async (t) => {
  const directory = await temporaryDirectory(t, {
    'oracles/one/go.mod': 'module one',
    'oracles/one/main.go': 'first\n',
    'oracles/two/README.md': 'no program',
    'oracles/one/testdata/deep/go.mod': 'module deep',
    'bin/other': '',
    go: playedGo,
  });
  const [go, bin] = [path.join(directory, 'go'), path.join(directory, 'bin')];
  await chmod(go, 0o755);
  const oracles = await findOracles(path.join(directory, 'oracles'));
  t.deepEqual(
    oracles.map(({ name }) => name),
    ['amlpromote-oracle-one'],
  );
  const [one] = oracles;
  t.false(await isCurrent(one!, bin));
  t.is(await buildOracle(one!, bin, go), undefined);
  t.true(await isCurrent(one!, bin));
  t.deepEqual((await readdir(bin)).sort(), [
    'amlpromote-oracle-one',
    'amlpromote-oracle-one.sources',
    'other',
  ]);

  await writeFile(path.join(one!.folder, 'main.go'), 'second\n');
  t.false(await isCurrent(one!, bin));
  await writeFile(path.join(one!.folder, 'main.go'), 'first\n');
  t.true(await isCurrent(one!, bin));
  await writeFile(path.join(one!.folder, 'go.sum'), '');
  t.false(await isCurrent(one!, bin), 'a new file');

  await writeFile(path.join(one!.folder, 'main.go'), 'broken\n');
  t.regex((await buildOracle(one!, bin, go)) ?? '', /main\.go:1: broken/);
  t.deepEqual(await readdir(bin), ['other'], 'the old one does not answer for new sources');
});

test('without Go, and without a folder of oracles', async (t) => {
  const directory = await temporaryDirectory(t, { 'one/go.mod': 'module one', 'bin/other': '' });
  const [one] = await findOracles(directory);
  t.regex((await buildOracle(one!, path.join(directory, 'bin'), '/nonexistent/go')) ?? '', /ENOENT/);
  t.deepEqual(await findOracles(path.join(directory, 'nothing')), []);
});
