import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Advisories } from '../../src/scanner/osv/advisories.ts';
import { openAdvisories } from '../../src/scanner/osv/advisories.ts';
import { inspectDatabase } from '../../src/scanner/osv/directory.ts';
import { evaluate } from '../../src/scanner/osv/range.ts';
import type { Advisory, RangeEvent } from '../../src/scanner/osv/record.ts';
import { versionSchemeOf } from '../../src/scanner/versions/scheme.ts';
import { testSeal } from '../support/test-seal.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { zipArchive } from '../support/zip-archive.ts';

const realRecord = async (name: string): Promise<Buffer> =>
  readFile(join(import.meta.dirname, 'records', name));

const record = (id: string, extra: object = {}): string =>
  JSON.stringify({
    id,
    modified: '2026-01-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'PyPI', name: 'Foo_Bar' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0' }] }],
      },
    ],
    ...extra,
  });

async function advisoriesIn(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Uint8Array>>,
  cacheDir?: string,
): Promise<Advisories> {
  const advisories = await openAdvisories(
    await inspectDatabase(await temporaryDirectory(t, files)),
    cacheDir === undefined ? undefined : { directory: cacheDir, seal: testSeal() },
  );
  t.teardown(async () => advisories.close());
  return advisories;
}
const idsOf = (found: readonly Advisory[]): string[] => found.map(({ id }) => id).sort();

test('the layout of the public export: all.zip, unpacked records, per-release folders, a label', async (t) => {
  const advisories = await advisoriesIn(t, {
    'Debian/all.zip': zipArchive([{ name: 'DSA-5111-1.json', content: await realRecord('DSA-5111-1.json') }]),
    'PyPI/PYSEC-2021-854.json': await realRecord('PYSEC-2021-854.json'),
    'PyPI/README.md': 'no record',
    'npm/all.zip': 'not read at all',
    LABEL: ' A fixture,\n for tests ',
  });
  t.deepEqual(advisories.ecosystems, ['Debian:10', 'Debian:11', 'PyPI']);
  t.is(advisories.newest, '2022-04-01T00:00:00Z');
  t.deepEqual(advisories.unreadable, { count: 0, examples: [] });
  t.deepEqual(idsOf(await advisories.lookup('Debian:11', 'zlib')), ['DSA-5111-1']);
  t.deepEqual(idsOf(await advisories.lookup('Debian:12', 'zlib')), []);
  t.true(advisories.covers('Debian:11'));
  t.false(advisories.covers('Debian:12'));
  const [numpy] = await advisories.lookup('PyPI', 'NumPy');
  t.deepEqual(numpy?.aliases, ['CVE-2021-33430', 'GHSA-6p56-wp2h-9hxr']);
  t.deepEqual(numpy?.ranges, [[{ introduced: '1.9.0' }, { fixed: '1.10.0' }]]);
  t.regex(numpy?.summary ?? '', /^A Buffer Overflow/);
});

test('the digest covers content, names and label; the label is one line', async (t) => {
  const digestOf = async (files: Readonly<Record<string, string>>): Promise<string> =>
    (await inspectDatabase(await temporaryDirectory(t, files))).digest;
  const files = { 'PyPI/A-1.json': record('A-1'), LABEL: 'x\ny' };
  const first = await digestOf(files);
  t.is(await digestOf({ ...files, 'npm/B.json': 'ignored' }), first);
  t.not(await digestOf({ ...files, LABEL: 'z' }), first);
  t.not(await digestOf({ ...files, 'PyPI/A-1.json': record('A-2') }), first);
  t.not(await digestOf({ 'PyPI/A-3.json': record('A-1'), LABEL: 'x\ny' }), first);
  t.is((await inspectDatabase(await temporaryDirectory(t, files))).label, 'x y');
});

test('PyPI names by PEP 503, on both sides', async (t) => {
  const advisories = await advisoriesIn(t, { 'PyPI/A-1.json': record('A-1') });
  for (const name of ['foo-bar', 'Foo.Bar', 'foo__bar'])
    t.is((await advisories.lookup('PyPI', name)).length, 1, name);
  t.is((await advisories.lookup('PyPI', '__proto__')).length, 0);
});

test('the newest form of a record counts; a withdrawn one does not', async (t) => {
  const newer = record('A-1', { modified: '2026-02-01T00:00:00Z', withdrawn: '2026-02-01T00:00:00Z' });
  const advisories = await advisoriesIn(t, {
    'PyPI/all.zip': zipArchive([
      { name: 'A-1.json', content: record('A-1') },
      { name: 'A-2.json', content: record('A-2') },
    ]),
    'PyPI/A-1.json': newer,
  });
  t.deepEqual(idsOf(await advisories.lookup('PyPI', 'foo-bar')), ['A-2']);
});

test('records for a distribution without a release hold for every release', async (t) => {
  const advisories = await advisoriesIn(t, {
    'Debian/A-1.json': record('A-1', {
      affected: [{ package: { ecosystem: 'Debian', name: 'zlib' }, versions: ['1'] }],
    }),
  });
  t.true(advisories.covers('Debian:12'));
  t.is((await advisories.lookup('Debian:12', 'zlib')).length, 1);
});

test('threat 33: records that cannot be understood are counted', async (t) => {
  const advisories = await advisoriesIn(t, {
    'PyPI/A-1.json': record('A-1'),
    'PyPI/B-1.json': '{',
    'PyPI/B-2.json': '{"id":"B-2","id":"B-3","modified":"2026-01-01T00:00:00Z"}',
    'PyPI/B-3.json': record('B-3', { modified: 'yesterday' }),
    'PyPI/B-4.json': record('B-4', { affected: [{ package: { ecosystem: 'PyPI' } }] }),
  });
  t.is(advisories.unreadable.count, 4);
  t.is((await advisories.lookup('PyPI', 'foo-bar')).length, 1);
});

test('threat 20, 21: a zip with hostile names, false sizes or a bomb', async (t) => {
  const good = { name: 'A-1.json', content: record('A-1') };
  const advisories = await advisoriesIn(t, {
    'PyPI/all.zip': zipArchive([
      { ...good, name: '../A-2.json' },
      { ...good, name: '/etc/A-3.json' },
      { ...good, name: 'a\\b.json' },
      good,
    ]),
  });
  t.is((await advisories.lookup('PyPI', 'foo-bar')).length, 1);
  t.is(advisories.unreadable.count, 0);
  const bad = {
    'a false size': zipArchive([{ ...good, claimedSize: 10 }]),
    'a larger size': zipArchive([{ ...good, claimedSize: 10_000 }]),
    'too large': zipArchive([{ name: 'A.json', content: Buffer.alloc(9 * 1024 * 1024) }]),
    'no zip': Buffer.from('PK'),
    'cut off': zipArchive([good]).subarray(0, -30),
  };
  for (const [what, zip] of Object.entries(bad)) {
    const error = await t.throwsAsync(
      advisoriesIn(t, { 'PyPI/all.zip': zip }),
      { instanceOf: AmlpromoteError },
      what,
    );
    t.is(error.code, 'CONTENT_INVALID', what);
  }
});

test('a directory that is not there is not an empty database', async (t) => {
  const directory = await temporaryDirectory(t);
  const error = await t.throwsAsync(inspectDatabase(join(directory, 'none')), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'NOT_FOUND');
  const empty = await openAdvisories(await inspectDatabase(directory));
  t.is(empty.newest, undefined);
  t.deepEqual(empty.ecosystems, []);
});

test('the index is made once per content, and again when it is damaged', async (t) => {
  const cacheDir = join(await temporaryDirectory(t), 'cache');
  const directory = await temporaryDirectory(t, {
    'PyPI/A-1.json': record('A-1', { severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N' }] }),
  });
  const look = async (): Promise<readonly unknown[]> => {
    const advisories = await openAdvisories(await inspectDatabase(directory), {
      directory: cacheDir,
      seal: testSeal(),
    });
    const found = [
      await advisories.lookup('PyPI', 'foo-bar'),
      advisories.newest,
      advisories.vectorsOf('A-1'),
    ];
    await advisories.close();
    return found;
  };
  const first = await look();
  const [name = ''] = await readdir(cacheDir);
  const index = join(cacheDir, name);
  const bytes = await readFile(index);
  t.deepEqual(await look(), first);
  t.deepEqual(await readdir(cacheDir), [name]);
  for (const damaged of [
    bytes.subarray(0, -1),
    bytes.subarray(0, 20),
    Buffer.alloc(0),
    Buffer.from(bytes.toString().replace('2026', '2027')),
  ]) {
    await writeFile(index, damaged);
    t.deepEqual((await look()).slice(1), first.slice(1));
  }
  // Whole, but nobody's here: the checksum that stood there before.
  const forged = Buffer.from(bytes.toString().replace('"withdrawn":false', '"withdrawn":true '));
  const checksum = createHash('sha256').update(forged.subarray(0, -82)).digest('hex');
  forged.write(checksum, forged.length - 65);
  await writeFile(index, forged);
  t.deepEqual(await look(), first);
  await writeFile(join(directory, 'PyPI/A-2.json'), record('A-2'));
  t.is(((await look())[0] as unknown[]).length, 2);
});

const advisory = (ranges: RangeEvent[][], versions: string[] = []): Advisory => ({
  id: 'A-1',
  modified: '2026-01-01T00:00:00Z',
  withdrawn: false,
  aliases: [],
  upstream: [],
  summary: '',
  vectors: [],
  versions,
  ranges,
});

const ranges = test.macro({
  title: (title) => `range: ${title ?? ''}`,
  exec(t, events: RangeEvent[], expected: Readonly<Record<string, string>>) {
    const scheme = versionSchemeOf('PyPI')!;
    const answers = Object.keys(expected).map((version) => {
      const found = evaluate(advisory([events]), version, scheme);
      return [
        version,
        found.answer === 'affected' ? found.fixedVersions.join(' ') || 'unfixed' : found.answer,
      ];
    });
    t.deepEqual(Object.fromEntries(answers), expected);
  },
});
const no = 'not-affected';
test('introduced and fixed', ranges, [{ introduced: '0' }, { fixed: '1.5' }], {
  '0.1': '1.5',
  '1.5rc1': '1.5',
  '1.5': no,
  '2': no,
});
test('never fixed', ranges, [{ introduced: '1.0' }], { '0.9': no, '1.0': 'unfixed', '9': 'unfixed' });
test('last_affected is affected', ranges, [{ introduced: '1' }, { last_affected: '2' }], {
  '2': 'unfixed',
  '2.0.1': no,
});
test(
  'two branches, events in any order',
  ranges,
  [{ fixed: '2.3' }, { introduced: '2.0' }, { introduced: '0' }, { fixed: '1.5' }],
  { '1.0': '1.5', '1.5': no, '2.0': '2.3', '2.3': no },
);
test('limit', ranges, [{ introduced: '0' }, { limit: '2' }], { '1.9': 'unfixed', '2': no });
test('no limit', ranges, [{ introduced: '0' }, { limit: '*' }], { '9': 'unfixed' });
test('introduced and fixed at once: nothing', ranges, [{ introduced: '0' }, { fixed: '0' }], {
  '0': no,
  '1': no,
});
test(
  'fixed and introduced again at once',
  ranges,
  [{ introduced: '0' }, { fixed: '1' }, { introduced: '1' }],
  { '1': 'unfixed' },
);
test('a version that is none', ranges, [{ introduced: '0' }, { fixed: 'r42' }], { '1': 'unknown' });

test('versions are listed under any spelling, and decide even when a range cannot be read', (t) => {
  const scheme = versionSchemeOf('PyPI')!;
  const one = advisory([[{ introduced: '0' }, { fixed: 'r42' }]], ['1.0.0', 'nonsense']);
  t.is(evaluate(one, '1.0', scheme).answer, 'affected');
  t.is(evaluate(one, '1.1', scheme).answer, 'unknown');
  t.is(evaluate(advisory([], ['1.0']), '1.1', scheme).answer, 'not-affected');
});

test('Debian: epochs and backports', (t) => {
  const scheme = versionSchemeOf('Debian:12')!;
  const one = advisory([[{ introduced: '0' }, { fixed: '1:1.2.11.dfsg-2+deb11u1' }]]);
  t.is(evaluate(one, '1:1.2.11.dfsg-2', scheme).answer, 'affected');
  t.is(evaluate(one, '1:1.2.11.dfsg-2+deb11u1', scheme).answer, 'not-affected');
  t.is(evaluate(one, '1.3-1', scheme).answer, 'affected');
});
