import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { openFileSeal } from '../../../src/adapters/seal/file.ts';
import { hmacSeal } from '../../../src/adapters/seal/hmac.ts';
import type { Seal } from '../../../src/ports/seal.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

interface Opened {
  readonly seal: Seal;
  readonly notes: readonly string[];
}

async function opened(directory: string, apartFrom: readonly string[] = []): Promise<Opened> {
  const notes: string[] = [];
  const seal = await openFileSeal({ directory, apartFrom, onNote: (note) => notes.push(note) });
  return { seal, notes };
}

const sealed = ({ seal }: Opened): string => seal.seal('build-facts', ['a', 'b']);
const inState = async (t: ExecutionContext): Promise<string> =>
  path.join(await temporaryDirectory(t), 'state/amlpromote');

test('the key is made at first use, for its owner only, and stays', async (t) => {
  const directory = await inState(t);
  const first = await opened(directory);
  t.deepEqual(first.notes, []);
  t.deepEqual(await readdir(directory), ['seal.key']);
  const { mode, size } = await stat(path.join(directory, 'seal.key'));
  t.is(mode & 0o777, 0o600);
  t.is(size, 32);
  t.is((await stat(directory)).mode & 0o777, 0o700);
  const again = await opened(directory);
  t.is(sealed(again), sealed(first));
  t.not(sealed(await opened(await inState(t))), sealed(first));
});

test('of many processes that make the key at once, all have one', async (t) => {
  const directory = await inState(t);
  const all = await Promise.all(Array.from({ length: 20 }, () => opened(directory)));
  t.is(new Set(all.map(sealed)).size, 1);
  t.deepEqual(await readdir(directory), ['seal.key']);
});

const spoiled: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
  ['damaged', async (file) => writeFile(file, 'short')],
  ['readable by others', async (file) => chmod(file, 0o644)],
];
for (const [what, spoil] of spoiled) {
  test(`a key that is ${what} is replaced, and it is said`, async (t) => {
    const directory = await inState(t);
    const before = sealed(await opened(directory));
    await spoil(path.join(directory, 'seal.key'));
    const after = await opened(directory);
    t.regex(after.notes.join(), /a new key is made/);
    t.not(sealed(after), before);
    t.is(sealed(await opened(directory)), sealed(after));
  });
}

test('a directory that a loose umask has left open is closed', async (t) => {
  const directory = await inState(t);
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o775);
  const first = await opened(directory);
  t.deepEqual(first.notes, []);
  t.is((await stat(directory)).mode & 0o777, 0o700);
  t.is(sealed(await opened(directory)), sealed(first));
});

test('a link in place of the key is not followed', async (t) => {
  const directory = await inState(t);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const known = path.join(await temporaryDirectory(t), 'known');
  await writeFile(known, Buffer.alloc(32), { mode: 0o600 });
  await symlink(known, path.join(directory, 'seal.key'));
  t.not(sealed(await opened(directory)), sealed({ seal: hmacSeal(Buffer.alloc(32)), notes: [] }));
  t.deepEqual(await readFile(known), Buffer.alloc(32));
});

test('where no key can be kept, there is one for this run, and it is said', async (t) => {
  const folder = await temporaryDirectory(t, { file: '' });
  const store = path.join(folder, 'store');
  for (const [directory, apartFrom] of [
    [path.join(folder, 'file/below'), []],
    [path.join(store, 'state'), [store]],
    [store, [store]],
  ] as const) {
    const first = await opened(directory, apartFrom);
    t.is(first.notes.length, 1, directory);
    t.regex(first.notes[0] ?? '', /no key for local records can be kept/);
    t.true(first.seal.isSealed('build-facts', ['a', 'b'], sealed(first)));
    t.not(sealed(await opened(directory, apartFrom)), sealed(first));
  }
});

test('a seal holds for one purpose and exactly these parts', (t) => {
  const seal = hmacSeal(Buffer.from('key'));
  const made = seal.seal('build-facts', ['ab', 'c']);
  t.regex(made, /^[0-9a-f]{64}$/);
  t.true(seal.isSealed('build-facts', ['ab', 'c'], made));
  for (const parts of [['a', 'bc'], ['ab', 'c', ''], ['abc'], ['ab', '1:c'], []])
    t.false(seal.isSealed('build-facts', parts, made));
  t.false(seal.isSealed('scan-result', ['ab', 'c'], made));
  t.false(hmacSeal(Buffer.from('other')).isSealed('build-facts', ['ab', 'c'], made));
  for (const other of [undefined, '', made.toUpperCase(), `${made} `, made.slice(1)])
    t.false(seal.isSealed('build-facts', ['ab', 'c'], other));
});
