import test from 'ava';
import { extract } from 'tar-stream';
import fc from 'fast-check';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { decodeName } from '../../../src/oci/walk/names.ts';
import type { TarEntry } from '../../../src/oci/walk/tar.ts';
import { TarReader } from '../../../src/oci/walk/tar.ts';
import { encodeName } from '../../support/archive-reading.ts';
import { endOfArchive, paxRecord, tarArchive, tarRecord } from '../../support/tar-archive.ts';

interface Read extends TarEntry {
  readonly text: string;
}

function read(archive: Uint8Array, chunk = archive.length): Read[] {
  const found: Read[] = [];
  const reader = new TarReader({
    entry(entry) {
      found.push({ ...entry, text: '' });
      return entry.kind === 'file';
    },
    content(entry, bytes) {
      found[found.length - 1] = { ...entry, text: Buffer.from(bytes).toString('utf8') };
    },
  });
  for (let at = 0; at < archive.length; at += chunk) reader.write(archive.subarray(at, at + chunk));
  reader.end();
  return found;
}

const refused = test.macro({
  title: (title) => `threat 23: refuses ${title ?? ''}`,
  exec(t, archive: Buffer, message: RegExp) {
    const error = t.throws(() => read(archive), { instanceOf: AmlpromoteError });
    t.is(error.code, 'CONTENT_INVALID');
    t.regex(error.message, message);
  },
});

test('files, directories, links, other kinds', (t) => {
  const entries = read(
    tarArchive(
      { name: './', type: '5' },
      { name: 'a', content: 'A' },
      { name: 'l', type: '2', link: '../a' },
      { name: 'h', type: '1', link: 'a' },
      { name: 'dev', type: '3' },
      { name: 'old', type: '\0', content: 'V7', magic: '' },
      { name: 'olddir/', type: '\0', magic: '' },
    ),
  );
  t.deepEqual(
    entries.map(({ path, kind, link, text }) => [path, kind, link, text]),
    [
      ['./', 'directory', '', ''],
      ['a', 'file', '', 'A'],
      ['l', 'symlink', '../a', ''],
      ['h', 'hardlink', 'a', ''],
      ['dev', 'other', '', ''],
      ['old', 'file', '', 'V7'],
      ['olddir/', 'directory', '', ''],
    ],
  );
});

test('long names: ustar prefix, GNU, pax; GNU wins over pax, as in Go', (t) => {
  const long = `${'d/'.repeat(120)}file`;
  t.deepEqual(
    read(
      tarArchive(
        { name: 'name', prefix: 'some/prefix' },
        tarRecord({ name: '././@LongLink', type: 'L', content: `${long}\0` }),
        { name: 'short' },
        paxRecord({ path: `pax/${long}`, linkpath: 'elsewhere' }),
        { name: 'short', type: '2', link: 'x' },
        paxRecord({ path: 'pax' }),
        tarRecord({ name: '././@LongLink', type: 'L', content: 'gnu\0' }),
        { name: 'short' },
      ),
    ).map(({ path, link }) => [path, link]),
    [
      ['some/prefix/name', ''],
      [long, ''],
      [`pax/${long}`, 'elsewhere'],
      ['gnu', ''],
    ],
  );
});

test('threat 23: a pax size overrides the header, an empty pax value does not', (t) => {
  const body = Buffer.from('12345'.padEnd(512, '\0'));
  const entries = read(
    tarArchive(
      paxRecord({ size: '5' }),
      Buffer.concat([tarRecord({ name: 'a', size: 0 }), body]),
      paxRecord({ size: '', path: '' }),
      { name: 'b', content: 'B' },
    ),
  );
  t.deepEqual(
    entries.map(({ path, text }) => [path, text]),
    [
      ['a', '12345'],
      ['b', 'B'],
    ],
  );
});

test('threat 23: links and directories have no content, whatever their size says', (t) => {
  const hidden = tarRecord({ name: 'visible', content: 'x' });
  const archive = Buffer.concat([
    tarRecord({ name: 'l', type: '2', link: 'a', size: 1024 }),
    tarRecord({ name: 'd', type: '5', size: 1024 }),
    hidden,
    endOfArchive,
  ]);
  t.deepEqual(
    read(archive).map(({ path }) => path),
    ['l', 'd', 'visible'],
  );
});

test('threat 23: a pax global header changes nothing, as in Go', (t) => {
  const archive = tarArchive(paxRecord({ path: 'elsewhere', size: '0' }, 'g'), { name: 'a', content: 'A' });
  t.deepEqual(
    read(archive).map(({ path, text }) => [path, text]),
    [
      ['elsewhere', ''],
      ['a', 'A'],
    ],
  );
});

test('threat 23: the same name twice comes twice', (t) => {
  t.deepEqual(
    read(tarArchive({ name: 'a', content: '1' }, { name: 'a', content: '2' })).map(({ text }) => text),
    ['1', '2'],
  );
});

test('sparse files are marked, and what follows them is found', (t) => {
  const extension = Buffer.alloc(512);
  const archive = tarArchive(
    Buffer.concat([
      tarRecord({
        name: 's',
        type: 'S',
        size: 512,
        magic: 'ustar  \0',
        patch: (header) => (header[482] = 1),
      }),
      extension,
      Buffer.alloc(512, 'x'),
    ]),
    paxRecord({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'real' }),
    { name: 'GNUSparseFile.0/real', content: 'map' },
    { name: 'after' },
  );
  t.deepEqual(
    read(archive).map(({ path, sparse }) => [path, sparse]),
    [
      ['s', true],
      ['real', true],
      ['after', false],
    ],
  );
});

test('threat 23: any version of ustar has a prefix, and star has another', (t) => {
  const star = tarRecord({
    name: 'name',
    prefix: 'star',
    patch: (header) => header.write('tar\0', 508, 'latin1'),
  });
  t.deepEqual(
    read(
      tarArchive(
        { name: 'name', prefix: 'dir', magic: 'ustar\0\0\0' },
        { name: 'name', prefix: 'dir', magic: 'ustar\0 \0' },
        { name: 'name', prefix: 'dir', magic: 'ustar  \0' },
        star,
      ),
    ).map(({ path }) => path),
    ['dir/name', 'dir/name', 'dir/name', 'star/name'],
  );
});

test('threat 23: an empty long name changes nothing', (t) => {
  const empty = (type: string): Buffer => tarRecord({ name: '././@LongLink', type, content: '\0' });
  t.deepEqual(
    read(tarArchive(empty('L'), { name: 'a' }, empty('K'), { name: 'l', type: '2', link: 'a' })).map(
      ({ path, link }) => [path, link],
    ),
    [
      ['a', ''],
      ['l', 'a'],
    ],
  );
});

test('threat 23: the name of a sparse file counts only in formats that there are', (t) => {
  const named = (records: Record<string, string>): Buffer =>
    Buffer.concat([paxRecord({ 'GNU.sparse.name': 'sparse', ...records }), tarRecord({ name: 'plain' })]);
  t.deepEqual(
    read(
      tarArchive(
        named({}),
        named({ 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' }),
        named({ 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1' }),
        named({ 'GNU.sparse.map': '0,0' }),
      ),
    ).map(({ path, sparse }) => [path, sparse]),
    [
      ['plain', false],
      ['plain', false],
      ['sparse', true],
      ['sparse', true],
    ],
  );
});

test('threat 23: an archive may end within its last padding', (t) => {
  const whole = tarRecord({ name: 'a', content: 'abc' });
  for (const length of [515, 600, 1023]) t.is(read(whole.subarray(0, length))[0]?.text, 'abc');
});

test('threat 23: a global header is told of by the name that it gives itself', (t) => {
  t.deepEqual(
    read(tarArchive(paxRecord({ path: 'b' }, 'g'), paxRecord({ comment: 'c' }, 'g'))).map(
      ({ path, kind }) => [path, kind],
    ),
    [
      ['b', 'global'],
      ['PaxHeader', 'global'],
    ],
  );
});

test('names that are not UTF-8 stay different', (t) => {
  const named = (byte: number): Buffer => tarRecord({ name: 'a?', patch: (header) => (header[1] = byte) });
  const names = read(tarArchive(named(0xfe), named(0xff))).map(({ path }) => path);
  t.is(new Set(names).size, 2);
  const bytes = Buffer.from('d\u00e9/\xe9', 'utf8');
  const latin = Buffer.concat([bytes.subarray(0, 4), Buffer.from([0xe9])]);
  t.not(decodeName(bytes), decodeName(latin));
  t.is(decodeName(latin).split('/')[0], 'd\u00e9');
  for (const name of [bytes, latin]) t.deepEqual(encodeName(decodeName(name)), name);
});

test('an archive without the end marker is whole; base-256 sizes are read', (t) => {
  const size = Buffer.alloc(12);
  size[0] = 0x80;
  size[11] = 3;
  t.is(read(tarRecord({ name: 'a', content: 'abc', size: size.toString('latin1') }))[0]?.text, 'abc');
});

const one = tarRecord({ name: 'a', content: 'abc' });

test(
  'an entry behind the end of the archive',
  refused,
  Buffer.concat([one, endOfArchive, one]),
  /behind the end/,
);
test(
  'an entry behind a single zero block',
  refused,
  Buffer.concat([one, Buffer.alloc(512), one]),
  /zero block/,
);
test(
  'half a block behind the end',
  refused,
  Buffer.concat([one, endOfArchive, Buffer.from('x')]),
  /behind the end/,
);
test('truncation within content', refused, one.subarray(0, 514), /truncated/);
test('truncation within a header', refused, one.subarray(0, 300), /truncated/);
test('a wrong checksum', refused, Buffer.concat([Buffer.from('b'), one.subarray(1)]), /checksum/);
test('a size that is not a number', refused, tarRecord({ name: 'a', size: '9zz' }), /not a number/);
test('a negative size', refused, tarRecord({ name: 'a', size: '\xff'.repeat(12) }), /negative/);
test(
  'a bad number in a field that nobody needs',
  refused,
  tarRecord({ name: 'a', patch: (header) => header.write('zz', 136) }),
  /not a number/,
);
test('a kind that no runtime unpacks', refused, tarRecord({ name: 'a', type: 'V' }), /unknown kind/);
test(
  'attributes that overlayfs hides files by',
  refused,
  tarArchive(paxRecord({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }), { name: 'd', type: '5' }),
  /what other layers show/,
);
test(
  'a NUL in the name of a sparse file',
  refused,
  tarArchive(paxRecord({ 'GNU.sparse.map': '0,1', 'GNU.sparse.name': 'a\0b' }), one),
  /NUL/,
);
test('a huge size', refused, tarRecord({ name: 'a', size: `\x80${'\x7f'.repeat(11)}` }), /out of range/);
test('a pax size with a sign', refused, tarArchive(paxRecord({ size: '-1' }), one), /negative size/);
test('a NUL in a pax path', refused, tarArchive(paxRecord({ path: 'a\0b' }), one), /malformed pax/);
test(
  'half a pax record',
  refused,
  tarArchive(tarRecord({ name: 'x', type: 'x', content: '99 path=a\n' }), one),
  /malformed pax/,
);
test(
  'a global header between an extended header and its entry',
  refused,
  tarArchive(paxRecord({ path: 'a' }), paxRecord({ comment: 'x' }, 'g'), one),
  /global header/,
);
test(
  'an endless long name',
  refused,
  tarRecord({ name: 'l', type: 'L', size: 2 ** 21 }),
  /extended header of/,
);

test('how the bytes are cut does not matter, and honest archives read as tar-stream reads them', async (t) => {
  const names = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,60}){0,4}$/);
  const record = fc.record({ name: names, content: fc.string({ maxLength: 1500 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 6 }),
      fc.integer({ min: 1, max: 2000 }),
      async (records, cut) => {
        const archive = tarArchive(
          ...records.flatMap((item) => [paxRecord({ path: item.name }), tarRecord(item)]),
        );
        const ours = read(archive, cut).map(({ path, text }) => [path, text]);
        const theirs: string[][] = [];
        const stream = extract();
        stream.end(archive);
        for await (const entry of stream) {
          const chunks: Buffer[] = [];
          for await (const chunk of entry) chunks.push(chunk as Buffer);
          theirs.push([entry.header.name, Buffer.concat(chunks).toString('utf8')]);
        }
        t.deepEqual(ours, theirs);
      },
    ),
    { numRuns: 60 },
  );
});
