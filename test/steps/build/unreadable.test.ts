import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { readContext } from '../../../src/steps/build/context.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const at = (directory: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), name]);
const latin1 = Buffer.from([0x67, 0x72, 0xfc, 0x6e]);

test('a name that is not UTF-8 is told with its folder; ignored, it does no harm', async (t) => {
  const directory = await temporaryDirectory(t, { Dockerfile: 'FROM scratch\n', 'data/a': 'a' });
  writeFileSync(at(join(directory, 'data'), latin1), 'x');
  const error = await t.throwsAsync(readContext(directory, 'Dockerfile'), { instanceOf: AmlpromoteError });
  t.is(error.code, 'MANIFEST_INVALID');
  t.regex(error.message, /data\/gr\uFFFDn: its name is not UTF-8/);
  mkdirSync(at(directory, latin1));
  writeFileSync(at(directory, Buffer.concat([latin1, Buffer.from('/inner')])), 'x');
  writeFileSync(join(directory, '.dockerignore'), 'data/gr*\ngr*\n!data/keep\n');
  const { entries } = await readContext(directory, 'Dockerfile');
  t.deepEqual(
    entries.map(({ path }) => path),
    ['.dockerignore', 'Dockerfile', 'data', 'data/a'],
  );
});

test('a link to a name that is not UTF-8 is told: it would be sent as a link to another one', async (t) => {
  const directory = await temporaryDirectory(t, { Dockerfile: 'FROM scratch\n' });
  symlinkSync(latin1, join(directory, 'link'));
  const error = await t.throwsAsync(readContext(directory, 'Dockerfile'), { code: 'MANIFEST_INVALID' });
  t.regex(error.message, /link: what it links to is not UTF-8/);
  writeFileSync(join(directory, '.dockerignore'), 'link\n');
  await t.notThrowsAsync(readContext(directory, 'Dockerfile'));
});

/** As a user who is not root, to whom permissions mean something. */
const asNobody = (script: string): Promise<string> =>
  new Promise((resolve) => {
    const root = process.getuid?.() === 0;
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { timeout: 60_000, ...(root ? { uid: 65_534, gid: 65_534 } : {}) },
      (_error, stdout, stderr) => resolve(`${stdout}${stderr}`.trim()),
    );
  });
const module = (file: string): string =>
  JSON.stringify(new URL(`../../../src/${file}`, import.meta.url).href);

test('an unreadable file is told by name; ignored, it does no harm, nor does an ignored folder', async (t) => {
  const directory = await temporaryDirectory(t, {
    Dockerfile: 'FROM scratch\n',
    secret: 'x',
    'closed/inner': 'x',
  });
  chmodSync(directory, 0o755);
  chmodSync(join(directory, 'secret'), 0);
  chmodSync(join(directory, 'closed'), 0);
  const read = (): Promise<string> =>
    asNobody(`import { readContext } from ${module('steps/build/context.ts')};
      await readContext(${JSON.stringify(directory)}, 'Dockerfile').then(
        ({ entries }) => console.log(entries.map(({ path }) => path).join()),
        ({ code, message }) => console.log(code, message));`);
  t.regex(await read(), /^MANIFEST_INVALID .*(?:secret|closed): it cannot be read \(EACCES\)/);
  writeFileSync(join(directory, '.dockerignore'), 'secret\nclosed\n!other\n');
  t.is(await read(), '.dockerignore,Dockerfile');
  chmodSync(join(directory, 'closed'), 0o700);
});

test('a store that may only be read can be read; writing it says so', async (t) => {
  const directory = await temporaryDirectory(t);
  chmodSync(directory, 0o755);
  const { openStore } = await import('../../../src/oci/store/store.ts');
  await openStore(join(directory, 'store'));
  const told = await asNobody(`import { openStore } from ${module('oci/store/store.ts')};
    import { Readable } from 'node:stream';
    const tell = (name, work) => work.then(() => console.log(name, 'ok'), ({ code }) => console.log(name, code));
    const store = await openStore(${JSON.stringify(join(directory, 'store'))});
    const repository = store.repository('a');
    await tell('tags', repository.tags());
    await tell('resolve', repository.resolve('v1'));
    await tell('write', store.addBlob('a/b', Readable.from([Buffer.from('x')])));
    await tell('prune', store.prune());
    await tell('untag', repository.untag('v1'));
    await tell('missing', openStore(${JSON.stringify(join(directory, 'other'))}));`);
  t.deepEqual(told.split('\n'), [
    'tags ok',
    'resolve ok',
    'write FORBIDDEN',
    'prune FORBIDDEN',
    'untag FORBIDDEN',
    'missing FORBIDDEN',
  ]);
});
