import { execFile } from 'node:child_process';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { makeDirectory } from '../../src/files/make-directory.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

test('makes what is missing and finds what is there', async (t) => {
  const directory = await temporaryDirectory(t);
  makeDirectory(join(directory, 'a/b/c'), 0o700);
  makeDirectory(join(directory, 'a/b/c'));
  t.is(statSync(join(directory, 'a/b/c')).mode & 0o777, 0o700);
  makeDirectory('/');
  t.true(existsSync(join(directory, 'a/b/c')));
});

for (const [name, code, prepare] of [
  ['a file in the way', 'ENOTDIR', (at: string) => writeFileSync(at, '')],
  ['a link that leads nowhere', 'ENOENT', (at: string) => symlinkSync('/nowhere/at/all', at)],
  ['a link to itself', 'ELOOP', (at: string) => symlinkSync('it', at)],
] as const) {
  test(`${name}: ${code}, at its place and above it`, async (t) => {
    const directory = await temporaryDirectory(t);
    prepare(join(directory, 'it'));
    t.throws(() => makeDirectory(join(directory, 'it')), { code });
    t.throws(() => makeDirectory(join(directory, 'it/below/it')), { code });
  });
}

// In a process of its own: Node's recursive mkdir would never come back, and no timeout of a test would be heard.
test('where nothing can be made: an error at once', async (t) => {
  const module = fileURLToPath(new URL('../../src/files/make-directory.ts', import.meta.url));
  for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/fd/x/y', '/dev/full/x', '/sys/x/y']) {
    const script = `import { makeDirectory } from ${JSON.stringify(module)};
      try { makeDirectory(${JSON.stringify(path)}) } catch (error) { console.log(error.code) }`;
    const told = await new Promise((resolve) => {
      const options = { timeout: 30_000, killSignal: 'SIGKILL' } as const;
      execFile(process.execPath, ['--input-type=module', '-e', script], options, (error, stdout) =>
        resolve(error ? String(error.signal) : stdout.trim()),
      );
    });
    t.regex(String(told), /^E[A-Z]+$/, path);
  }
});
