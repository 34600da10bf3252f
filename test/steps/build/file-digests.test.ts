import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import type { BuildContext } from '../../../src/steps/build/context.ts';
import { readContext } from '../../../src/steps/build/context.ts';
import { openFileDigests } from '../../../src/steps/build/file-digests.ts';
import type { Seal } from '../../../src/ports/seal.ts';
import { testSeal } from '../../support/test-seal.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const seal = testSeal();
/** Milliseconds that tests wait for, in place of two seconds; more than a tick of any kernel's clock. */
const settled = 25;

interface Reader {
  readonly directory: string;
  readonly cache: string;
  /** With what this machine remembers; `read` are the files whose content was read. */
  readonly look: (by?: {
    readonly seal?: Seal;
    readonly settled?: number;
  }) => Promise<BuildContext & { readonly read: number }>;
}

async function setUp(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<Reader> {
  const directory = await temporaryDirectory(t, files);
  // In whole seconds, which can be set again.
  for (const name of Object.keys(files)) utimesSync(path.join(directory, name), 1_000_000_000, 1_000_000_000);
  const cache = await temporaryDirectory(t);
  return {
    directory,
    cache,
    async look(by = {}) {
      const digests = await openFileDigests(directory, { directory: cache, seal, settled, ...by });
      const context = await readContext(directory, 'Dockerfile', { digests });
      return { ...context, read: digests.read };
    },
  };
}

/** On other file systems (tmpfs, and whatever is not Linux) all files are read each time, and that is tested instead. */
const remembers = (directory: string): boolean =>
  process.platform === 'linux' &&
  [0xef53, 0x58465342, 0x9123683e, 0x794c7630, 0x2fc12fc1, 0xf2f52010].includes(statfsSync(directory).type);

const files = { Dockerfile: 'FROM scratch\n', 'a.txt': 'a', 'sub/b.txt': 'b', 'sub/c.txt': 'c' };

test('what did not change is not read again; what changed is', async (t) => {
  const { directory, look } = await setUp(t, files);
  await delay(2 * settled);
  const first = await look();
  t.is(first.read, 4);
  const second = await look();
  t.is(second.read, remembers(directory) ? 0 : 4);
  t.deepEqual({ ...second, read: 0 }, { ...first, read: 0 });
  const { atime, mtime } = lstatSync(path.join(directory, 'a.txt'));
  writeFileSync(path.join(directory, 'a.txt'), 'A');
  utimesSync(path.join(directory, 'a.txt'), atime, mtime);
  const third = await look();
  t.is(third.read, remembers(directory) ? 1 : 4);
  t.not(third.digest, first.digest);
});

test('a file that has just been written is not remembered: its next change could look like this one', async (t) => {
  const { look } = await setUp(t, files);
  await look({ settled: 60_000 });
  t.is((await look({ settled: 60_000 })).read, 4);
});

for (const [what, spoil] of [
  ['of another machine', undefined],
  ['that was edited', (text: string) => text.replace(/sha256:[0-9a-f]{2}/, 'sha256:00')],
  ['that was cut', (text: string) => text.slice(0, -20)],
  ['without a seal', (text: string) => text.slice(text.indexOf('\n') + 1)],
  ['that is empty', () => ''],
] as const)
  test(`threat 62: a record ${what} does not count`, async (t) => {
    const { cache, look } = await setUp(t, files);
    await delay(2 * settled);
    const honest = await look(spoil ? {} : { seal: testSeal('other') });
    if (spoil)
      for (const name of readdirSync(cache)) {
        const file = path.join(cache, name);
        writeFileSync(file, spoil(readFileSync(file, 'utf8')));
      }
    const again = await look();
    t.is(again.read, 4);
    t.is(again.digest, honest.digest);
  });

test('threat 62: the record of another directory does not count', async (t) => {
  const [one, two] = [await setUp(t, files), await setUp(t, files)];
  await delay(2 * settled);
  await Promise.all([one.look(), two.look()]);
  const [from, to] = [readdirSync(one.cache)[0], readdirSync(two.cache)[0]];
  if (from !== undefined && to !== undefined)
    writeFileSync(path.join(two.cache, to), readFileSync(path.join(one.cache, from)));
  t.is((await two.look()).read, 4);
});

test('a cache that cannot be written stops nothing', async (t) => {
  const { directory, look } = await setUp(t, files);
  const cache = path.join(directory, 'a.txt', 'cache');
  const digests = await openFileDigests(directory, { directory: cache, seal });
  t.is((await readContext(directory, 'Dockerfile', { digests })).digest, (await look()).digest);
});

test('records that nobody has written for a month go', async (t) => {
  const { directory, cache, look } = await setUp(t, files);
  const old = path.join(cache, `files-${'0'.repeat(24)}.json`);
  const other = path.join(cache, 'layer-0.json');
  for (const file of [old, other]) {
    writeFileSync(file, '');
    utimesSync(file, 1, 1);
  }
  await delay(2 * settled);
  await look();
  const names = readdirSync(cache);
  t.true(names.includes('layer-0.json'));
  t.is(names.includes(path.basename(old)), !remembers(directory));
});

/** What somebody does who works in a context, and what one does who wants a change not to be seen. */
const names = ['a.txt', 'sub/b.txt', 'sub/c.txt', 'new.txt'];
const change = fc.record({
  kind: fc.constantFrom(
    'write',
    'hide',
    'swap',
    'over',
    'remove',
    'link',
    'symlink',
    'mode',
    'folder',
    'none',
  ),
  name: fc.constantFrom(...names),
  other: fc.constantFrom(...names),
  text: fc.constantFrom('a', 'b', 'c', 'long'),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(directory: string, { kind, name, other, text }: Change): void {
  const [file, second] = [path.join(directory, name), path.join(directory, other)];
  const before = lstatSync(file, { throwIfNoEntry: false });
  const isFile = before?.isFile() === true;
  switch (kind) {
    case 'write':
      if (before && !isFile) rmSync(file, { recursive: true });
      writeFileSync(file, text);
      break;
    case 'hide':
      if (!isFile) break;
      writeFileSync(file, text);
      utimesSync(file, before.atime, before.mtime);
      break;
    case 'swap':
      if (!isFile || name === other || lstatSync(second, { throwIfNoEntry: false })?.isFile() !== true) break;
      renameSync(file, `${file}.0`);
      renameSync(second, file);
      renameSync(`${file}.0`, second);
      break;
    case 'over':
      if (before && !isFile) break;
      writeFileSync(`${file}.0`, text);
      if (before) utimesSync(`${file}.0`, before.atime, before.mtime);
      renameSync(`${file}.0`, file);
      break;
    case 'link':
      if (!isFile || name === other) break;
      rmSync(second, { recursive: true, force: true });
      linkSync(file, second);
      break;
    case 'symlink':
      rmSync(file, { recursive: true, force: true });
      symlinkSync(text, file);
      break;
    case 'folder':
      rmSync(file, { recursive: true, force: true });
      mkdirSync(file);
      break;
    case 'mode':
      if (isFile) chmodSync(file, before.mode ^ 0o100);
      break;
    case 'remove':
      rmSync(file, { recursive: true, force: true });
      break;
    case 'none':
  }
}

test('whatever is done to the files, what is remembered changes no digest', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 6 }), async (rounds) => {
      const { directory, look } = await setUp(t, files);
      for (const changes of rounds) {
        // Only now and then long enough for anything to be remembered.
        if (changes.length !== 1) await delay(settled + 10);
        await look();
        for (const one of changes) apply(directory, one);
        const { digest, entries } = await look();
        const honest = await readContext(directory, 'Dockerfile');
        t.is(digest, honest.digest);
        t.deepEqual(entries, honest.entries);
      }
    }),
    { numRuns: 40 },
  );
});

test('a large file does not outlast an interruption', async (t) => {
  const { directory, cache } = await setUp(t, files);
  // Sparse: a hundred gigabytes of nothing.
  truncateSync(path.join(directory, 'a.txt'), 100 * 1024 ** 3);
  const digests = await openFileDigests(directory, { directory: cache, seal });
  const begun = performance.now();
  await t.throwsAsync(readContext(directory, 'Dockerfile', { digests, signal: AbortSignal.timeout(200) }), {
    name: 'TimeoutError',
  });
  t.true(performance.now() - begun < 10_000);
  t.true(digests.bytes > 0);
});
