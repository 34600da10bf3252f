import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readInput, whyUnreadable } from '../../src/files/read-input.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { needing } from '../support/tools.ts';

test('a file is read whole, up to the bytes that are allowed', async (t) => {
  const directory = await temporaryDirectory(t, { a: 'x'.repeat(200_000), b: '' });
  t.is((await readInput(join(directory, 'a'), 200_000)).byteLength, 200_000);
  t.is((await readInput(join(directory, 'b'), 10)).byteLength, 0);
  await t.throwsAsync(readInput(join(directory, 'a'), 199_999), { code: 'EFBIG' });
});

test('what is no file is an error with words, at once', async (t) => {
  const directory = await temporaryDirectory(t);
  for (const [path, code, words] of [
    [directory, 'EISDIR', 'is a directory'],
    ['/dev/zero', 'EFBIG', 'larger than 1000 bytes'],
    [join(directory, 'none'), 'ENOENT', 'there is no such file'],
    ['/proc/self/mem', 'EIO', 'cannot be read (EIO)'],
  ] as const) {
    const error = await t.throwsAsync(readInput(path, 1000));
    t.is((error as NodeJS.ErrnoException).code, code, path);
    t.true(whyUnreadable(error).endsWith(words), whyUnreadable(error));
  }
});

test('a pipe without a writer is empty', async (t) => {
  const pipe = join(await temporaryDirectory(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  t.is((await readInput(pipe, 10)).byteLength, 0);
});

needing(
  'bash',
  'cat',
  'sleep',
)('a pipe with a writer is read', async (t) => {
  const directory = await temporaryDirectory(t);
  writeFileSync(join(directory, 'text'), 'x'.repeat(150_000));
  const script = `import { readInput } from ${JSON.stringify(new URL('../../src/files/read-input.ts', import.meta.url).href)};
    console.log((await readInput(process.argv[1], 1e6)).byteLength);`;
  const told = await new Promise((resolve) => {
    const line = `'${process.execPath}' --input-type=module -e "$0" <(sleep 0.5; cat '${join(directory, 'text')}')`;
    execFile('bash', ['-c', line, script], { timeout: 60_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  t.is(told, '150000\n');
});
