import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { hexOf } from '../../../src/domain/digest.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { WalkRequest, WalkResult } from '../../../src/oci/walk/walk.ts';
import { walkImage } from '../../../src/oci/walk/walk.ts';
import { defaultWalkLimits } from '../../../src/oci/walk/limits.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { memoryRegistry } from '../../support/memory-registry.ts';
import { testSeal } from '../../support/test-seal.ts';
import type { TarRecord, TestLayer } from '../../support/tar-archive.ts';
import { layerOf, paxRecord, tarArchive, tarOfFiles, tarRecord } from '../../support/tar-archive.ts';

const selection: WalkRequest<string>['selection'] = {
  version: 'test-1',
  wants: (path) => path.endsWith('.want') || /^known\.d\/[^/]+$/.test(path),
  role: () => 'text',
  marks: () => undefined,
  lookups: ['etc/known', 'known.d'],
  extract: (path, bytes) => `${path}=${Buffer.from(bytes).toString('utf8')}`,
  revive: (value) => {
    if (typeof value !== 'string') throw new TypeError('not a text');
    return value;
  },
};

const registryWith = (layers: readonly TestLayer[]): MemoryRegistry => {
  const registry = memoryRegistry();
  for (const layer of layers) registry.putBlob('image', layer.blob);
  return registry;
};

async function walk(
  layers: readonly TestLayer[],
  extra: Partial<WalkRequest<string>> = {},
): Promise<WalkResult<string>> {
  return walkImage({ content: registryWith(layers).repository('image'), layers, selection, ...extra });
}

const archive = (...records: readonly (TarRecord | Buffer)[]): TestLayer => layerOf(tarArchive(...records));
const files = (content: Readonly<Record<string, string>>): TestLayer => layerOf(tarOfFiles(content));
const pathsOf = (result: WalkResult<string>): string[] => result.files.map(({ path }) => path);

async function temporary(t: { teardown(work: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'amlpromote-walk-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('the upper layer wins, and each file names its layer', async (t) => {
  const base = files({ 'a.want': 'old', 'b.want': 'b', other: 'x' });
  const top = files({ './a.want': 'new' });
  t.deepEqual(await walk([base, top]), {
    files: [
      { path: 'a.want', layer: top.descriptor.digest, value: 'a.want=new' },
      { path: 'b.want', layer: base.descriptor.digest, value: 'b.want=b' },
    ],
    told: [],
    unmet: [],
    problems: [],
  });
});

test('whiteouts: a file, a directory, an opaque directory; only the layers below', async (t) => {
  const base = files({ 'a.want': '', 'd/b.want': '', 'd/e/c.want': '', 'o/x.want': '', 'o/p/y.want': '' });
  const top = archive(
    { name: '.wh.a.want' },
    { name: 'd/.wh.e' },
    { name: 'o/new.want' },
    { name: 'o/.wh..wh..opq' },
    { name: '.wh..wh.plnk' },
  );
  t.deepEqual(pathsOf(await walk([base, top])), ['d/b.want', 'o/new.want']);
  const again = await walk([base, top, files({ 'a.want': 'back' })]);
  t.deepEqual(pathsOf(again), ['a.want', 'd/b.want', 'o/new.want']);
});

test('a file, symlink or directory takes the place of what was there', async (t) => {
  const base = files({ 'd/a.want': '', 'e/b.want': '', 'c.want': '' });
  const top = archive(
    { name: 'd', content: 'now a file' },
    { name: 'e', type: '2', link: 'd' },
    { name: 'c.want/', type: '5' },
  );
  t.deepEqual(pathsOf(await walk([base, top])), []);
  t.deepEqual(pathsOf(await walk([base, archive({ name: 'd/', type: '5' })])), [
    'c.want',
    'd/a.want',
    'e/b.want',
  ]);
});

test('entries below a symlink land where it points', async (t) => {
  const base = archive({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'usr/lib/a.want' });
  t.deepEqual(pathsOf(await walk([base, files({ 'lib/b.want': '' })])), ['usr/lib/a.want', 'usr/lib/b.want']);
});

/** [what runtimes disagree about, or do in another order than one might think, layers, what is still there, problems] */
const orders: readonly (readonly [string, readonly TestLayer[], readonly string[], RegExp | undefined])[] = [
  [
    'a directory takes the place of a link before a whiteout in it',
    [
      archive({ name: 'l', type: '2', link: 'real' }, { name: 'real/a.want' }),
      archive({ name: 'l/', type: '5' }, { name: 'l/.wh.a.want' }),
    ],
    ['real/a.want'],
    undefined,
  ],
  [
    'a whiteout behind a link of a lower layer',
    [
      archive({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'usr/lib/a.want' }),
      archive({ name: 'lib/.wh.a.want' }),
    ],
    ['usr/lib/a.want'],
    /whiteout behind a symbolic link/,
  ],
  [
    'an opaque whiteout behind a link of a lower layer',
    [
      archive({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'usr/lib/a.want' }),
      archive({ name: 'lib/.wh..wh..opq' }),
    ],
    ['usr/lib/a.want'],
    /whiteout behind a symbolic link/,
  ],
  [
    'a file that takes the place of another behind a link of a lower layer',
    [
      archive({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'usr/lib/a.want', content: 'old' }),
      archive({ name: 'lib/a.want', content: 'new' }),
    ],
    ['usr/lib/a.want'],
    /takes the place of something behind/,
  ],
  [
    'a link of the same layer',
    [
      archive({ name: 'usr/lib/a.want' }),
      archive({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'lib/.wh.a.want' }),
    ],
    [],
    undefined,
  ],
  [
    'a directory that is whited out and made again',
    [
      archive({ name: 'd/a.want' }),
      archive({ name: '.wh.d' }, { name: 'd/', type: '5' }, { name: 'd/b.want' }),
    ],
    ['d/b.want'],
    /made again in one layer/,
  ],
  [
    'a directory that is whited out and made again by a file in it',
    [archive({ name: 'd/a.want' }), archive({ name: '.wh.d' }, { name: 'd/b.want' })],
    ['d/b.want'],
    /made again in one layer/,
  ],
  [
    'a file that is whited out behind itself',
    [archive({ name: 'a.want' }, { name: '.wh.a.want' })],
    ['a.want'],
    /what its own layer adds/,
  ],
  [
    'a directory of which the layer has something',
    [archive({ name: 'd/a.want' }), archive({ name: 'd/b.want' }, { name: '.wh.d' })],
    ['d/b.want'],
    /what its own layer adds/,
  ],
  [
    'a file that is whited out before it is added',
    [archive({ name: 'a.want' }), archive({ name: '.wh.a.want' }, { name: 'a.want' })],
    ['a.want'],
    undefined,
  ],
  [
    'a character device in place of a directory of a lower layer',
    [archive({ name: 'd/a.want' }), archive({ name: 'd', type: '3' })],
    [],
    /device or pipe/,
  ],
  [
    'a block device in place of a file of a lower layer',
    [archive({ name: 'd/a.want' }), archive({ name: 'd/a.want', type: '4' })],
    [],
    /device or pipe/,
  ],
  [
    'a pipe in place of a directory of a lower layer',
    [archive({ name: 'd/a.want' }), archive({ name: 'd', type: '6' })],
    [],
    /device or pipe/,
  ],
  [
    'a device behind a link of its own layer in place of a file of a lower layer',
    [
      archive({ name: 'd/a.want' }),
      archive({ name: 'l', type: '2', link: 'd' }, { name: 'l/a.want', type: '3' }),
    ],
    [],
    /device or pipe/,
  ],
  [
    'a device in place of what the same layer put over a directory of a lower one',
    [archive({ name: 'd/a.want' }), archive({ name: 'd', content: 'x' }, { name: 'd', type: '3' })],
    [],
    /device or pipe/,
  ],
  [
    'a hard link to a device in place of a directory of a lower layer',
    [archive({ name: 'd/a.want' }), archive({ name: 'n', type: '3' }, { name: 'd', type: '1', link: 'n' })],
    [],
    /device or pipe/,
  ],
  [
    'a device where nothing was, or what was is whited out',
    [
      archive({ name: 'd/a.want' }),
      archive({ name: '.wh.d' }, { name: 'd', type: '3' }, { name: 'e', type: '3' }),
    ],
    [],
    undefined,
  ],
  [
    'a device in place of a device',
    [archive({ name: 'e', type: '3' }), archive({ name: 'e', type: '3' })],
    [],
    undefined,
  ],
  [
    'a global header with the name of a file',
    [archive({ name: 'a.want' }), archive(paxRecord({ path: 'a.want' }, 'g'))],
    ['a.want'],
    /global header/,
  ],
  [
    'a global header with the name of a whiteout',
    [archive({ name: 'a.want' }), archive(paxRecord({ path: '.wh.a.want' }, 'g'))],
    [],
    undefined,
  ],
  [
    'a whiteout of a name in UTF-8, where another has the same letters in Latin-1',
    [
      archive(tarRecord({ name: '?.want', patch: (header) => (header[0] = 0xe9) })),
      archive({ name: '.wh.\u00e9.want' }),
    ],
    ['\ufffd.want'],
    undefined,
  ],
];
for (const [title, layers, left, problem] of orders) {
  test(`threat 23: layers as runtimes apply them: ${title}`, async (t) => {
    const result = await walk(layers);
    t.deepEqual(pathsOf(result), left);
    if (problem) t.regex(result.problems[0]?.detail ?? 'no problem', problem);
    else t.deepEqual(result.problems, []);
  });
}

test('hard links: wanted by either name, to the layer below, kept when the first name goes', async (t) => {
  const base = archive({ name: 'blob', content: 'B' }, { name: 'l.want', type: '1', link: './blob' });
  const top = archive({ name: 'm.want', type: '1', link: 'blob' }, { name: '.wh.x' });
  const { files: found, problems } = await walk([base, top, files({ '.wh.blob': '' })]);
  t.deepEqual(problems, []);
  t.deepEqual(
    found.map(({ value, layer }) => [value, layer]),
    [
      ['l.want=B', base.descriptor.digest],
      ['m.want=B', base.descriptor.digest],
    ],
  );
});

test('a wanted name that is a symlink is read through, once', async (t) => {
  const base = files({ 'opt/data': 'D', 'opt/real.want': 'R' });
  const top = archive(
    { name: 'a.want', type: '2', link: '/opt/data' },
    { name: 'b.want', type: '2', link: 'opt/real.want' },
    { name: 'c.want', type: '2', link: 'nowhere' },
    { name: 'd.want', type: '2', link: 'd.want' },
  );
  t.deepEqual(
    (await walk([base, top])).files.map(({ value }) => value),
    ['a.want=D', 'opt/real.want=R'],
  );
});

test('lookups go through symlinks, and a directory gives its files', async (t) => {
  const layer = archive(
    { name: 'data/known', content: 'K' },
    { name: 'data/d/one', content: '1' },
    { name: 'data/d/sub/two', content: '2' },
    { name: 'etc', type: '2', link: '../../data' },
    { name: 'known.d', type: '2', link: 'data/d' },
  );
  t.deepEqual(
    (await walk([layer])).files.map(({ value }) => value),
    ['etc/known=K', 'known.d/one=1'],
  );
});

test('the same name twice in one layer: the last one counts, a link made before keeps the first', async (t) => {
  const layer = archive(
    { name: 'a', content: '1' },
    { name: 'l.want', type: '1', link: 'a' },
    { name: 'a', content: '2' },
  );
  t.deepEqual(
    (await walk([layer])).files.map(({ value }) => value),
    ['l.want=1'],
  );
});

const forms: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  plain: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  'gzip with two members': (bytes) =>
    Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]),
  zstd: (bytes) => zstdCompressSync(bytes),
  'zstd with many and skippable frames': (bytes) => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    const empty = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    const parts = [bytes.subarray(0, 100), bytes.subarray(100, 101), bytes.subarray(101)];
    return Buffer.concat([skippable, ...parts.flatMap((part) => [zstdCompressSync(part), empty]), skippable]);
  },
};
for (const [name, compress] of Object.entries(forms)) {
  test(`a layer stored as ${name}`, async (t) => {
    const result = await walk([layerOf(tarOfFiles({ 'a.want': 'A'.repeat(5000), 'b.want': 'B' }), compress)]);
    t.deepEqual(result.problems, []);
    t.deepEqual(pathsOf(result), ['a.want', 'b.want']);
  });
}

const unreadable = test.macro({
  title: (title) => `threat 33: a layer is reported, never skipped: ${title ?? ''}`,
  async exec(t, layer: TestLayer, detail: RegExp) {
    const good = files({ 'a.want': '' });
    const result = await walk([layer, good]);
    t.deepEqual(pathsOf(result), ['a.want']);
    t.is(result.problems.length, 1);
    t.is(result.problems[0]?.layer, layer.descriptor.digest);
    t.regex(result.problems[0]?.detail ?? '', detail);
  },
});
const someTar = tarOfFiles({ 'x.want': 'x'.repeat(3000) });
const cut = (bytes: Buffer): Buffer => bytes.subarray(0, -20);
test(
  'no archive',
  unreadable,
  layerOf(Buffer.from('hello'.repeat(300)), (bytes) => bytes),
  /checksum|not a number/,
);
test(
  'cut gzip',
  unreadable,
  layerOf(someTar, (bytes) => cut(gzipSync(bytes))),
  /decompressed/,
);
test(
  'cut zstd',
  unreadable,
  layerOf(someTar, (bytes) => cut(zstdCompressSync(bytes))),
  /decompressed|within a frame/,
);
test(
  'a cut second zstd frame',
  unreadable,
  layerOf(someTar, (bytes) => cut(Buffer.concat([zstdCompressSync(bytes), zstdCompressSync(bytes)]))),
  /decompressed|within a frame|behind the end/,
);
test('another diffID', unreadable, { ...layerOf(someTar), diffId: sha256('other') }, /image config says/);
test(
  'an entry outside of the root (threat 21)',
  unreadable,
  archive({ name: '../x.want' }),
  /outside of the root/,
);
test(
  'a hard link that goes up',
  unreadable,
  archive({ name: 'd/y' }, { name: 'x.want', type: '1', link: 'd/../d/y' }),
  /goes up/,
);
test('a hard link to nothing', unreadable, archive({ name: 'x.want', type: '1', link: 'y' }), /is no file/);
test(
  'an entry below a file',
  unreadable,
  archive({ name: 'f', content: 'x' }, { name: 'f/x.want' }),
  /not a directory/,
);
test('a whiteout without a name', unreadable, archive({ name: 'd/.wh.' }), /without a name/);
test(
  'trailing data (threat 23)',
  unreadable,
  layerOf(Buffer.concat([someTar, tarRecord({ name: 'y.want' })])),
  /behind the end/,
);

test('threat 33: a wanted file that is too large or sparse is reported', async (t) => {
  const layer = archive(
    { name: 'a.want', content: 'x'.repeat(2000) },
    Buffer.concat([
      tarRecord({ name: 's.want', type: 'S', size: 512, magic: 'ustar  \0' }),
      Buffer.alloc(512),
    ]),
  );
  const result = await walk([layer], { limits: { ...defaultWalkLimits, maxFileBytes: 1000 } });
  t.deepEqual(
    result.problems.map(({ path, detail }) => [path, detail]),
    [
      ['a.want', 'is larger than 1000 bytes'],
      ['s.want', 'is stored as a sparse file'],
    ],
  );
  t.deepEqual(result.files, []);
});

for (const [name, compress] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const) {
  test(`threat 20: a ${name} bomb is stopped by ratio and by size`, async (t) => {
    const bomb = layerOf(tarOfFiles({ 'zeros.bin': Buffer.alloc(8 * 1024 * 1024) }), (bytes) =>
      Buffer.from(compress(bytes)),
    );
    const byRatio = await walk([bomb], { limits: { ...defaultWalkLimits, ratioFloorBytes: 1024 * 1024 } });
    t.regex(byRatio.problems[0]?.detail ?? '', /more than 200 times/);
    const bySize = await walk([bomb], { limits: { ...defaultWalkLimits, maxLayerBytes: 1024 * 1024 } });
    t.regex(bySize.problems[0]?.detail ?? '', /more than 1048576 bytes/);
  });
}

test('threat 20: endless entries are stopped', async (t) => {
  const layer = archive({ name: 'a' }, { name: 'b' }, { name: 'c' });
  const result = await walk([layer], { limits: { ...defaultWalkLimits, maxEntries: 2 } });
  t.regex(result.problems[0]?.detail ?? '', /more than 2 entries/);
});

test('bytes that are not the layer are an error, not a gap, also when they do not even decompress', async (t) => {
  const layer = files({ 'a.want': '' });
  const registry = registryWith([layer]);
  for (const bytes of [gzipSync('other'), Buffer.alloc(layer.blob.length), layer.blob.subarray(0, -3)]) {
    registry.corrupt(layer.descriptor.digest, bytes);
    const error = await t.throwsAsync(
      walkImage({ content: registry.repository('image'), layers: [layer], selection }),
      { instanceOf: AmlpromoteError },
    );
    t.is(error.code, 'INTEGRITY_MISMATCH');
  }
});

test('a layer that is not there, or that cannot be reached, is an error, not a gap', async (t) => {
  const layer = files({ 'a.want': '' });
  await t.throwsAsync(
    walkImage({ content: memoryRegistry().repository('image'), layers: [layer], selection }),
    {
      message: /does not have/,
    },
  );
});

test('the cache answers for layers that it knows, and only for the same version and diffID', async (t) => {
  const cache = { directory: await temporary(t), seal: testSeal() };
  const layer = files({ 'a.want': 'A' });
  const first = await walk([layer], { cache });
  const empty = memoryRegistry().repository('image');
  t.deepEqual(await walkImage({ content: empty, layers: [layer], selection, cache }), first);
  const other = { ...selection, version: 'test-2' };
  await t.throwsAsync(walkImage({ content: empty, layers: [layer], selection: other, cache }));
  await t.throwsAsync(
    walkImage({ content: empty, layers: [{ ...layer, diffId: sha256('x') }], selection, cache }),
  );
});

test('threat 42: a damaged cache file is read again, not believed', async (t) => {
  const cache = { directory: await temporary(t), seal: testSeal() };
  const layer = files({ 'a.want': 'A' });
  const first = await walk([layer], { cache });
  const [name = ''] = await readdir(cache.directory);
  const text = await readFile(join(cache.directory, name), 'utf8');
  await writeFile(join(cache.directory, name), text.replace('a.want=A', 'a.want=B'));
  t.deepEqual(await walk([layer], { cache }), first);
  await writeFile(join(cache.directory, name), text.slice(0, 90));
  t.deepEqual(await walk([layer], { cache }), first);
});

test('a record of another machine, or with a checksum of one’s own, is not believed', async (t) => {
  const cache = { directory: await temporary(t), seal: testSeal() };
  const layer = files({ 'a.want': 'A' });
  const first = await walk([layer], { cache });
  const [name = ''] = await readdir(cache.directory);
  const record = join(cache.directory, name);
  const body = (await readFile(record, 'utf8'))
    .split('\n')
    .slice(1)
    .join('\n')
    .replace('a.want=A', 'a.want=B');
  const parts = ['2', 'test-1', layer.descriptor.digest, body];
  for (const seal of [
    sha256(body),
    testSeal('another machine').seal('layer-record', parts),
    testSeal().seal('scan-result', parts),
    '',
  ]) {
    await writeFile(record, `${seal}\n${body}`);
    t.deepEqual(await walk([layer], { cache }), first);
  }
  // Also not under the name of another layer.
  const other = files({ 'a.want': 'other' });
  await walk([layer], { cache });
  const stolen = await readFile(record, 'utf8');
  await writeFile(record.replace(hexOf(layer.descriptor.digest), hexOf(other.descriptor.digest)), stolen);
  t.deepEqual(
    (await walk([{ ...other, diffId: layer.diffId }], { cache })).problems.length,
    1,
    'it was read, and its diffID is another one',
  );
});

test('an interrupted walk stops', async (t) => {
  const controller = new AbortController();
  controller.abort(new AmlpromoteError('INTERRUPTED', 'stop'));
  await t.throwsAsync(walk([files({ 'a.want': '' })], { signal: controller.signal }), { message: 'stop' });
});

test('progress tells compressed bytes up to the size of the layer', async (t) => {
  const layer = files({ 'a.want': 'A'.repeat(9000) });
  const seen: number[] = [];
  await walk([layer], { onBytes: (_layer, done) => seen.push(done) });
  t.is(seen.at(-1), layer.descriptor.size);
});
