import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import test from 'ava';
import { packContext } from '../../../src/steps/build/context-tar.ts';
import { readContext } from '../../../src/steps/build/context.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';
import { findTool } from '../../support/tools.ts';

const files = { Dockerfile: 'FROM scratch\n', 'a.txt': 'a', 'sub/b.txt': 'b' };

async function entriesOf(stream: Readable): Promise<Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  const tar = stream.pipe(extract());
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    const { name, type, mode, mtime, uid, gid, linkname } = entry.header;
    entries.push({
      name,
      type,
      mode,
      mtime: Number(mtime) / 1000,
      uid,
      gid,
      linkname,
      text: Buffer.concat(chunks).toString(),
    });
  }
  return entries;
}

const paths = async (directory: string, dockerfile = 'Dockerfile'): Promise<readonly string[]> =>
  (await readContext(directory, dockerfile)).entries.map((entry) => entry.path);

test('two folders with the same content have the same digest, whatever their times', async (t) => {
  const [first, second] = [await temporaryDirectory(t, files), await temporaryDirectory(t, files)];
  await utimes(path.join(second, 'a.txt'), 1000, 2_000_000_000);
  const [a, b] = [await readContext(first, 'Dockerfile'), await readContext(second, 'Dockerfile')];
  t.is(a.digest, b.digest);
  t.is(b.newest, 2_000_000_000);
});

for (const [what, change] of [
  ['content', (d: string) => writeFile(path.join(d, 'a.txt'), 'A')],
  ['a mode', (d: string) => chmod(path.join(d, 'a.txt'), 0o755)],
  ['a new file', (d: string) => writeFile(path.join(d, 'c.txt'), '')],
  ['a file that is gone', (d: string) => rm(path.join(d, 'a.txt'))],
  ['a link', (d: string) => symlink('a.txt', path.join(d, 'link'))],
] as const) {
  test(`the digest changes with ${what}`, async (t) => {
    const directory = await temporaryDirectory(t, files);
    const before = (await readContext(directory, 'Dockerfile')).digest;
    await change(directory);
    t.not((await readContext(directory, 'Dockerfile')).digest, before);
  });
}

test('where a link points to is part of the digest; the link is not followed', async (t) => {
  const directory = await temporaryDirectory(t, files);
  await symlink('/etc/passwd', path.join(directory, 'link'));
  const first = await readContext(directory, 'Dockerfile');
  await rm(path.join(directory, 'link'));
  await symlink('/etc/group', path.join(directory, 'link'));
  t.not((await readContext(directory, 'Dockerfile')).digest, first.digest);
  t.is(first.entries.find((entry) => entry.path === 'link')?.target, '/etc/passwd');
});

for (const [what, ignore, expected] of [
  ['names and folders', '*.txt\nsub\n', ['.dockerignore', 'Dockerfile']],
  ['exceptions', '*\n!sub/b.txt\n', ['.dockerignore', 'Dockerfile', 'sub/b.txt']],
  ['comments and blank lines', '# a.txt\n\nsub/\n', ['.dockerignore', 'Dockerfile', 'a.txt']],
  ['any depth', '**/b.txt\n', ['.dockerignore', 'Dockerfile', 'a.txt', 'sub']],
  ['case counts', 'A.TXT\n', ['.dockerignore', 'Dockerfile', 'a.txt', 'sub', 'sub/b.txt']],
  [
    'the Dockerfile itself is sent all the same',
    'Dockerfile\n.dockerignore\n',
    ['.dockerignore', 'Dockerfile', 'a.txt', 'sub', 'sub/b.txt'],
  ],
] as const) {
  test(`.dockerignore: ${what}`, async (t) => {
    t.deepEqual(await paths(await temporaryDirectory(t, { ...files, '.dockerignore': ignore })), expected);
  });
}

test('names with brackets and plus signs are ignored as written', async (t) => {
  const directory = await temporaryDirectory(t, {
    ...files,
    'secrets (1).json': '{}',
    'c++/x': 'x',
    '.dockerignore': 'secrets (1).json\nc++\n.dockerignore\n',
  });
  t.deepEqual(await paths(directory), ['.dockerignore', 'Dockerfile', 'a.txt', 'sub', 'sub/b.txt']);
});

for (const [what, make] of [
  ['a folder', (file: string) => mkdir(file)],
  ['a link to itself', (file: string) => symlink(path.basename(file), file)],
  ['not UTF-8', (file: string) => writeFile(file, Buffer.from([0x61, 0xff]))],
  ['no pattern', (file: string) => writeFile(file, 'a\n[\n')],
] as const) {
  for (const name of ['.dockerignore', 'Dockerfile.dockerignore']) {
    test(`${name} that is ${what} is refused: what it ignores must not be sent`, async (t) => {
      const directory = await temporaryDirectory(t, files);
      await make(path.join(directory, name));
      await t.throwsAsync(readContext(directory, 'Dockerfile'), {
        code: 'MANIFEST_INVALID',
        message: new RegExp(`^${name.replaceAll('.', '\\.')}`),
      });
    });
  }
}

test('a Dockerfile’s own ignore file goes before the general one', async (t) => {
  const directory = await temporaryDirectory(t, {
    'docker/x.Dockerfile': 'FROM scratch\n',
    'docker/x.Dockerfile.dockerignore': '*\n!b.txt\n',
    '.dockerignore': 'b.txt\n',
    'a.txt': 'a',
    'b.txt': 'b',
  });
  t.deepEqual(await paths(directory, 'docker/x.Dockerfile'), [
    'b.txt',
    'docker/x.Dockerfile',
    'docker/x.Dockerfile.dockerignore',
  ]);
});

test('the tar is in order, owned by root, with times no later than asked', async (t) => {
  const directory = await temporaryDirectory(t, files);
  await utimes(path.join(directory, 'a.txt'), 5000, 5000);
  await symlink('a.txt', path.join(directory, 'z'));
  const context = await readContext(directory, 'Dockerfile');
  const entries = await entriesOf(packContext(context, 6000));
  t.deepEqual(
    entries.map(({ name, type, mtime, uid, gid, text, linkname }) => [
      name,
      type,
      mtime,
      uid,
      gid,
      text,
      linkname,
    ]),
    [
      ['Dockerfile', 'file', 6000, 0, 0, 'FROM scratch\n', null],
      ['a.txt', 'file', 5000, 0, 0, 'a', null],
      ['sub', 'directory', 6000, 0, 0, '', null],
      ['sub/b.txt', 'file', 6000, 0, 0, 'b', null],
      ['z', 'symlink', 6000, 0, 0, '', 'a.txt'],
    ],
  );
});

test('a large file and a long name pass', async (t) => {
  const name = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`;
  const directory = await temporaryDirectory(t, {
    Dockerfile: 'FROM scratch\n',
    [name]: Buffer.alloc(3_000_000, 'x'),
  });
  const entries = await entriesOf(packContext(await readContext(directory, 'Dockerfile'), undefined));
  t.is((entries.find((entry) => entry.name === name)?.text as string).length, 3_000_000);
});

for (const [what, change] of [
  ['other content', 'B'],
  ['more content', 'and more'],
  ['less content', ''],
  ['no content any more', undefined],
] as const) {
  test(`a file that has ${what} when it is sent: the build fails rather than the key lies`, async (t) => {
    const directory = await temporaryDirectory(t, files);
    const context = await readContext(directory, 'Dockerfile');
    if (change === undefined) await rm(path.join(directory, 'sub/b.txt'));
    else await writeFile(path.join(directory, 'sub/b.txt'), change);
    await t.throwsAsync(packContext(context, undefined).toArray(), { code: 'BUILD_FAILED' });
  });
}

test('a socket is left out, a pipe is refused', async (t) => {
  const directory = await temporaryDirectory(t, files);
  const server = createServer();
  server.listen(path.join(directory, 'sock'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  t.false((await paths(directory)).includes('sock'));
  execFileSync(findTool('mkfifo') ?? '', [path.join(directory, 'pipe')]);
  await t.throwsAsync(readContext(directory, 'Dockerfile'), { code: 'MANIFEST_INVALID', message: /pipe/ });
});

test('an ignore file behind a link is refused: the engine would go by another one', async (t) => {
  const directory = await temporaryDirectory(t, { ...files, other: 'a.txt\n' });
  await symlink('other', path.join(directory, '.dockerignore'));
  const error = await t.throwsAsync(readContext(directory, 'Dockerfile'), { code: 'MANIFEST_INVALID' });
  t.regex(error.message, /\.dockerignore is a symbolic link/);
});
