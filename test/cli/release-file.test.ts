import { readFile, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { readReleaseFile, requireReleaseTarget, writeReleaseFile } from '../../src/cli/release-file.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const document: ReleaseDocument = {
  apiVersion: 'amlpromote/v1',
  kind: 'Release',
  registry: 'contosodev.azurecr.io',
  repository: 'ml/churn-train',
  name: 'churn-train',
  version: '1.4.0',
  release: 7,
  index: { digest: sha256('index'), size: 1234 },
  signatures: [sha256('signature')],
};

test('what is written is read again; folders are made, and nothing else is left', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = path.join(directory, 'out/of/here/release.json');
  t.is(await writeReleaseFile(file, document), file);
  t.deepEqual(await readReleaseFile(file), document);
  t.deepEqual(await readdir(path.dirname(file)), ['release.json']);
  t.true((await readFile(file, 'utf8')).endsWith('\n'));
});

test('it replaces the one of the last run', async (t) => {
  const file = path.join(await temporaryDirectory(t), 'release.json');
  await writeReleaseFile(file, document);
  await writeReleaseFile(file, { ...document, release: 8 });
  t.is((await readReleaseFile(file)).release, 8);
});

for (const [title, content] of [
  ['is not there', undefined],
  ['is a manifest', 'apiVersion: amlpromote/v1\nkind: Image\n'],
  ['has an unknown key', JSON.stringify({ ...document, image: 'x' })],
  ['has a key twice', JSON.stringify(document).replace('{', '{"kind":"Release",')],
  ['names no signature', JSON.stringify({ ...document, signatures: [] })],
  ['has a digest that is none', JSON.stringify({ ...document, index: { digest: 'sha256:1', size: 1 } })],
  ['climbs out of its repository', JSON.stringify({ ...document, repository: 'ml/../other' })],
  ['names a reserved tag as version', JSON.stringify({ ...document, version: 'receipts' })],
] as const)
  test(`a release.json that ${title} is a wrong argument`, async (t) => {
    const file = path.join(await temporaryDirectory(t), 'release.json');
    if (content !== undefined) await writeFile(file, content);
    const error = await t.throwsAsync(readReleaseFile(file), { instanceOf: AmlpromoteError });
    t.is(error.code, 'MANIFEST_INVALID');
    t.true(error.message.startsWith(file));
    t.not(error.nextSteps.length, 0);
  });

test('a place that cannot be written is said before anybody waits for the file', async (t) => {
  const file = path.join(await temporaryDirectory(t, { taken: 'a file' }), 'taken/release.json');
  const error = await t.throwsAsync(writeReleaseFile(file, document), { instanceOf: AmlpromoteError });
  t.is(error.exitCode, 20);
  t.regex(error.nextSteps.join(' '), /--out/);
});

test('nothing but a release or an empty file is overwritten', async (t) => {
  const directory = await temporaryDirectory(t, {
    'image.yaml': 'apiVersion: amlpromote/v1\nkind: Image\n',
    Dockerfile: 'FROM scratch\n',
    'large.json': ' '.repeat(2 * 1024 * 1024),
    'other.json': '{"kind":"Image"}',
    empty: '',
  });
  for (const name of ['image.yaml', 'Dockerfile', 'large.json', 'other.json', '.']) {
    const file = path.join(directory, name);
    for (const work of [() => requireReleaseTarget(file), () => writeReleaseFile(file, document)]) {
      const error = await t.throwsAsync(work, { instanceOf: AmlpromoteError }, name);
      t.is(error.exitCode, 2, name);
    }
  }
  t.is(await readFile(path.join(directory, 'Dockerfile'), 'utf8'), 'FROM scratch\n');
  await writeReleaseFile(path.join(directory, 'empty'), document);
  t.deepEqual(await readReleaseFile(path.join(directory, 'empty')), document);
});

test('a link stays one, whether it leads anywhere or not; what is no file is written to', async (t) => {
  const directory = await temporaryDirectory(t, { there: '' });
  for (const name of ['there', 'nowhere']) {
    const link = path.join(directory, `to-${name}`);
    await symlink(name, link);
    await writeReleaseFile(link, document);
    t.is(await readlink(link), name);
    t.deepEqual(await readReleaseFile(path.join(directory, name)), document);
  }
  await writeReleaseFile('/dev/null', document);
  t.true((await stat('/dev/null')).isCharacterDevice());
});
