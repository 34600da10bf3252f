import test from 'ava';
import { walkImage } from '../../src/oci/walk/walk.ts';
import { fileSelection } from '../../src/scanner/analyzers/all.ts';
import type { Inventory } from '../../src/scanner/inventory.ts';
import { takeInventory } from '../../src/scanner/inventory.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import type { TarRecord, TestLayer } from '../support/tar-archive.ts';
import { layerOf, tarArchive, tarOfFiles } from '../support/tar-archive.ts';

async function inventoryOf(...layers: readonly TestLayer[]): Promise<Inventory> {
  const registry = memoryRegistry();
  for (const { blob } of layers) registry.putBlob('image', blob);
  const content = registry.repository('image');
  return takeInventory(await walkImage({ content, layers, selection: fileSelection }));
}

const layer = (...records: readonly TarRecord[]): TestLayer => layerOf(tarArchive(...records));

/** What advisories can be matched with. */
const matched = ({ items }: Inventory): readonly string[] =>
  items.flatMap(({ match }) => (match ? [`${match.ecosystem} ${match.name} ${match.version}`] : []));
const gapsOf = ({ gaps }: Inventory): readonly string[] =>
  gaps.map(({ code, subject, detail }) => `${code} ${subject}: ${detail}`);

const osRelease = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n';
const stanza = (name: string): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2-3\n`;
const site = 'usr/lib/python3/dist-packages';
const condaRecord = (name: string): string =>
  JSON.stringify({
    build: '0',
    purls: [`pkg:pypi/${name}@1.5`],
    files: Array.from({ length: 9 }, (_, at) => `lib/${String(at)}`),
    name,
    version: '1.5',
  });

/** Small file systems, each with every file that its analysers look at. */
const trees: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Debian with dpkg': {
    'etc/os-release': osRelease,
    'var/lib/dpkg/status': ['bash', 'zlib1g', 'python3-numpy'].map(stanza).join('\n'),
    'var/lib/dpkg/info/bash.list': '/bin/bash\n',
    'var/lib/dpkg/info/bash.md5sums': '0  bin/bash\n',
    'var/lib/dpkg/info/zlib1g:amd64.list': '/lib/libz.so\n',
    'var/lib/dpkg/info/python3-numpy.list': `/${site}/numpy-1.24.2.egg-info\n`,
    [`${site}/numpy-1.24.2.egg-info/PKG-INFO`]: 'Metadata-Version: 2.1\nName: numpy\nVersion: 1.24.2\n',
  },
  'Debian without dpkg': {
    'usr/lib/os-release': osRelease,
    'var/lib/dpkg/status.d/libc6': `${stanza('libc6')}Description: GNU C Library\n`,
    'var/lib/dpkg/status.d/libc6.md5sums': '0  lib/libc.so\n',
    'var/lib/dpkg/status.d/tzdata': `${stanza('tzdata')}Description: time zones\n`,
    'var/lib/dpkg/status.d/tzdata.md5sums': '0  usr/share/zoneinfo/UTC\n',
  },
  Python: {
    [`${site}/a-1.dist-info/METADATA`]: 'Metadata-Version: 2.1\nSummary: a\nName: a\nVersion: 1.0\n',
    [`${site}/a-1.dist-info/RECORD`]: 'a/__init__.py,,\n',
    [`${site}/b-1.egg-info`]: 'Metadata-Version: 1.0\nSummary: b\nName: b\nVersion: 1.0\n',
    [`${site}/c-1.egg/EGG-INFO/PKG-INFO`]: 'Metadata-Version: 1.0\nSummary: c\nName: c\nVersion: 1.0\n',
    [`${site}/d.egg-info/PKG-INFO`]: 'Metadata-Version: 1.0\nSummary: d\nName: d\nVersion: 1.0\n',
    [`${site}/e-1.DIST-INFO/METADATA`]: 'Metadata-Version: 1.0\nSummary: e\nName: e\nVersion: 1.0\n',
  },
  conda: {
    'opt/conda/conda-meta/history': '==> now <==\n+x/noarch::pip-1.5-0\n+x/noarch::numpy-1.5-0\n',
    'opt/conda/conda-meta/state.json': '{}',
    'opt/conda/conda-meta/pip-1.5-0.json': condaRecord('pip'),
    'opt/conda/conda-meta/numpy-1.5-0.json': condaRecord('numpy'),
  },
  'package managers that are not read': {
    'lib/apk/db/installed': 'P:musl\n',
    'lib/apk/db/triggers': '',
    'var/lib/rpm/rpmdb.sqlite': 'x',
    'var/lib/rpm/Packages': 'x',
    'app/node_modules/left-pad/package.json': '{}',
    'usr/lib/R/library/stats/DESCRIPTION': 'Package: stats\n',
    'var/lib/gems/3.1.0/specifications/rake-13.0.gemspec': 'x',
    'var/lib/gems/3.1.0/gems/rake-13.0/lib/rake.rb': 'x',
  },
};

/** An upper layer that takes a file away or makes something else of it. */
const damages: Readonly<Record<string, (path: string, content: string) => readonly TarRecord[]>> = {
  removed: (path) => [{ name: path.replace(/([^/]+)$/, '.wh.$1') }],
  'gone with all beside it': (path) => [{ name: path.replace(/[^/]+$/, '.wh..wh..opq') }],
  emptied: (path) => [{ name: path }],
  'cut in half': (path, content) => [{ name: path, content: content.slice(0, content.length / 2) }],
  'full of NULs': (path, content) => [{ name: path, content: Buffer.alloc(content.length) }],
  'in UTF-16': (path, content) => [{ name: path, content: Buffer.from(content, 'utf16le') }],
  'a directory': (path) => [{ name: `${path}/`, type: '5' }],
  'a directory with something in it': (path) => [{ name: `${path}/x`, content: 'x' }],
  'a link to a directory with something in it': (path) => [
    { name: path, type: '2', link: '/var/full' },
    { name: 'var/full/x', content: 'x' },
  ],
  'a dangling link': (path) => [{ name: path, type: '2', link: 'nowhere' }],
  'an absolute link that dangles': (path) => [{ name: path, type: '2', link: '/no/where' }],
  'a link out of the image': (path) => [
    { name: path, type: '2', link: '../../../../../../../../etc/hostname' },
  ],
  'a link to itself': (path) => [{ name: path, type: '2', link: path.replace(/^.*\//, '') }],
  'a link to a directory': (path) => [
    { name: path, type: '2', link: '/var/empty' },
    { name: 'var/empty/', type: '5' },
  ],
  'a link to another file': (path) => [
    { name: path, type: '2', link: '/var/other' },
    { name: 'var/other', content: 'x' },
  ],
  'a hard link to another file': (path) => [
    { name: 'var/other', content: 'x' },
    { name: path, type: '1', link: 'var/other' },
  ],
  'a link to a list of dpkg': (path) => [
    { name: path, type: '2', link: '/var/lib/dpkg/info/zz.list' },
    { name: 'var/lib/dpkg/info/zz.list', content: 'Name: zz\nVersion: 1\n' },
  ],
  'a device': (path) => [{ name: path, type: '3' }],
  'a pipe': (path) => [{ name: path, type: '6' }],
  'of another name by case': (path, content) => [
    { name: path.replace(/([^/]+)$/, '.wh.$1') },
    { name: path.replace(/[^/]+$/, (name) => name.toLowerCase() + name.toUpperCase()), content },
  ],
};

for (const [tree, files] of Object.entries(trees)) {
  test(`threat 33: ${tree}: whole, everything is found`, async (t) => {
    const inventory = await inventoryOf(layerOf(tarOfFiles(files)));
    t.true(matched(inventory).length > 0 || tree.startsWith('package managers'));
    const unexpected = inventory.gaps.filter(
      ({ code }) => code !== 'UNKNOWN_DISTRIBUTION' && code !== 'UNMATCHED_PACKAGE',
    );
    t.deepEqual(unexpected, []);
  });

  for (const [damage, recordsOf] of Object.entries(damages)) {
    test(`threat 33: ${tree}: any file ${damage}: findings turn into gaps, and never into nothing`, async (t) => {
      const base = layerOf(tarOfFiles(files));
      const whole = await inventoryOf(base);
      for (const [path, content] of Object.entries(files)) {
        const damaged = await inventoryOf(base, layer(...recordsOf(path, content)));
        const left = new Set(matched(damaged));
        const lost = matched(whole).filter((one) => !left.has(one));
        const known = new Set(gapsOf(whole));
        const fresh = gapsOf(damaged).filter((gap) => !known.has(gap));
        const lostManagers = whole.gaps
          .filter(({ code }) => code === 'UNMATCHED_PACKAGE')
          .filter(({ subject }) => !damaged.gaps.some((gap) => gap.subject === subject));
        // What is a package by itself and has nothing beside it is gone when it is gone.
        const mayGo =
          (path.endsWith('.egg-info') && /removed|gone|by case/.test(damage)) ||
          ((tree === 'conda' || lost.length === 0) && damage.startsWith('gone'));
        t.true(
          mayGo || lost.length + lostManagers.length === 0 || fresh.length > 0,
          `${path}: lost ${lost.join()}`,
        );
      }
    });
  }
}

/** [how a file is reached, records in place of it] */
const ways: readonly (readonly [string, (path: string, content: string) => readonly TarRecord[]])[] = [
  [
    'a relative link',
    (path, content) => [
      { name: 'opt/real', content },
      { name: path, type: '2', link: `${'../'.repeat(path.split('/').length - 1)}opt/real` },
    ],
  ],
  [
    'an absolute link',
    (path, content) => [
      { name: 'opt/real', content },
      { name: path, type: '2', link: '/opt/real' },
    ],
  ],
  [
    'a chain of links',
    (path, content) => [
      { name: 'opt/real', content },
      { name: 'opt/two', type: '2', link: 'real' },
      { name: path, type: '2', link: '/../opt/two' },
    ],
  ],
  [
    'a hard link',
    (path, content) => [
      { name: 'opt/real', content },
      { name: path, type: '1', link: 'opt/real' },
    ],
  ],
  [
    'a link to what is read as something else',
    (path, content) => [
      { name: 'var/lib/dpkg/info/zz.list', content },
      { name: path, type: '2', link: '/var/lib/dpkg/info/zz.list' },
    ],
  ],
  [
    'a hard link to what is read as something else',
    (path, content) => [
      { name: 'var/lib/dpkg/info/zz.list', content },
      { name: path, type: '1', link: 'var/lib/dpkg/info/zz.list' },
    ],
  ],
  [
    'a link to a directory',
    (path, content) => [
      { name: `opt/dir/${path.replace(/^.*\//, '')}`, content },
      { name: path.replace(/\/[^/]+$/, ''), type: '2', link: '/opt/dir' },
    ],
  ],
  [
    'a link to the directory above',
    (path, content) => [
      { name: `opt/dir/${path.split('/').slice(-2).join('/')}`, content },
      { name: path.split('/').slice(0, -2).join('/'), type: '2', link: '/opt/dir' },
    ],
  ],
];
const targets: Readonly<Record<string, string>> = {
  'etc/os-release': osRelease,
  'var/lib/dpkg/status': stanza('bash'),
  [`${site}/a-1.dist-info/METADATA`]: 'Name: a\nVersion: 1.0\n',
  [`${site}/b-1.egg-info`]: 'Name: b\nVersion: 1.0\n',
  'opt/conda/conda-meta/pip-1.5-0.json': condaRecord('pip'),
};
for (const [way, recordsOf] of ways) {
  test(`threat 33: metadata is read through ${way}`, async (t) => {
    for (const [path, content] of Object.entries(targets)) {
      if (way.endsWith('above') && path.split('/').length < 3) continue;
      const inventory = await inventoryOf(layer(...recordsOf(path, content)));
      const found = path === 'etc/os-release' ? inventory.distribution : inventory.items[0];
      t.truthy(found, `${path}: ${gapsOf(inventory).join('; ')}`);
    }
  });
}

test('threat 33: a link that only a lower layer has is followed, as in a usr-merged image', async (t) => {
  const base = layer({ name: 'lib', type: '2', link: 'usr/lib' }, { name: 'usr/lib/', type: '5' });
  const top = layer({
    name: 'lib/python3/site-packages/a-1.dist-info/METADATA',
    content: 'Name: a\nVersion: 1.0\n',
  });
  t.deepEqual(matched(await inventoryOf(base, top)), ['PyPI a 1.0']);
});

test('threat 33: an empty or unreadable directory of a distribution is a gap', async (t) => {
  for (const records of [
    [{ name: `${site}/a-1.dist-info/`, type: '5' }],
    [{ name: `${site}/a-1.dist-info/RECORD` }],
    [{ name: `${site}/a-1.dist-info` }],
    [{ name: `${site}/a-1.dist-info`, type: '2', link: '/nowhere' }],
    [{ name: `${site}/a-1.egg-info/`, type: '5' }],
    [{ name: `${site}/a-1.dist-info/METADATA`, type: '2', link: '/nowhere' }],
  ]) {
    const gaps = gapsOf(await inventoryOf(layer(...records))).filter((gap) => gap.includes('a-1.'));
    t.is(gaps.length, 1, JSON.stringify(records));
  }
});

test('threat 33: a directory with PKG-INFO in place of METADATA is read', async (t) => {
  const inventory = await inventoryOf(
    layer({ name: `${site}/a-1.dist-info/PKG-INFO`, content: 'Name: a\nVersion: 1.0\n' }),
  );
  t.deepEqual(matched(inventory), ['PyPI a 1.0']);
});

test('threat 33: a package that dpkg has unpacked, but does not know, is a gap; a removed one is not', async (t) => {
  const image = (status: string, ...names: string[]): Promise<Inventory> =>
    inventoryOf(
      layerOf(
        tarOfFiles({
          'etc/os-release': osRelease,
          'var/lib/dpkg/status': status,
          ...Object.fromEntries(names.map((name) => [`var/lib/dpkg/info/${name}`, ''])),
        }),
      ),
    );
  const removed = `${stanza('bash')}\nPackage: vim\nStatus: deinstall ok config-files\nVersion: 1\n`;
  t.deepEqual((await image(removed, 'bash.list', 'vim.list')).gaps, []);
  for (const [status, file] of [
    [stanza('bash'), 'vim.list'],
    [removed, 'vim.md5sums'],
    ['', 'bash.list'],
  ] as const) {
    t.regex(gapsOf(await image(status, file)).join(), /dpkg has unpacked|no package database/);
  }
});

test('a crowd of links to directories is followed to its end, or said not to be', async (t) => {
  const links = Array.from({ length: 300 }, (_, at) => ({ name: `d/l${String(at)}`, type: '2', link: '.' }));
  const inventory = await inventoryOf(
    layer(...links, { name: 'd/a-1.dist-info/METADATA', content: 'Name: a\nVersion: 1.0\n' }),
  );
  t.deepEqual(matched(inventory), ['PyPI a 1.0']);
});

const record = condaRecord('numpy');
const environment: Readonly<Record<string, string>> = {
  'opt/conda/conda-meta/history': '==> now <==\n+x/noarch::numpy-1.5-0\n',
  'opt/conda/conda-meta/numpy-1.5-0.json': record,
  'opt/conda/bin/python': 'x',
  'opt/conda/lib/libssl.so': 'x',
};
const cached = { 'opt/conda/pkgs/numpy-1.5-0/info/index.json': '{}' };
/** What is left of an environment when its records are gone: one of these at least. */
const remains: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'its package cache': cached,
  conda: { 'opt/conda/condabin/conda': 'x' },
  'a script of activation': { 'opt/conda/etc/conda/activate.d/ssl.sh': 'x' },
  "conda's python": { 'opt/conda/compiler_compat/README': 'x' },
  'more than one': { ...cached, 'opt/conda/condabin/conda': 'x' },
};
const meta = 'opt/conda/conda-meta';
const removals: Readonly<Record<string, readonly TarRecord[]>> = {
  'whited out': [{ name: 'opt/conda/.wh.conda-meta' }],
  emptied: [{ name: `${meta}/.wh..wh..opq` }],
  'emptied and made again': [{ name: `${meta}/`, type: '5' }, { name: `${meta}/.wh..wh..opq` }],
  'a dangling link': [{ name: meta, type: '2', link: '/nowhere' }],
  'a link to an empty directory': [
    { name: 'srv/empty/', type: '5' },
    { name: meta, type: '2', link: '/srv/empty' },
  ],
  'a link to something else': [{ name: meta, type: '2', link: '/etc' }],
  'a file': [{ name: meta, content: '' }],
  'a device': [{ name: meta, type: '3' }],
  'a pipe': [{ name: meta, type: '6' }],
  'left with an empty history': [{ name: `${meta}/.wh..wh..opq` }, { name: `${meta}/history` }],
  'left with a history that is a link': [
    { name: `${meta}/.wh..wh..opq` },
    { name: `${meta}/history`, type: '2', link: '/nowhere' },
  ],
  'left with its settings': [{ name: `${meta}/.wh..wh..opq` }, { name: `${meta}/state.json`, content: '{}' }],
  'left with a record and no history': [{ name: `${meta}/.wh.history` }],
  'left with a directory for history': [{ name: `${meta}/history/`, type: '5' }],
};
for (const [title, records] of Object.entries(removals)) {
  test(`threat 60: conda-meta ${title}: never clean`, async (t) => {
    for (const [what, left] of Object.entries(remains)) {
      const base = layerOf(tarOfFiles({ ...environment, ...left }));
      t.deepEqual(
        gapsOf(await inventoryOf(base)).filter((gap) => gap.includes('conda')),
        [],
        what,
      );
      const gaps = gapsOf(await inventoryOf(base, layer(...records)));
      t.regex(
        gaps.filter((gap) => gap.startsWith('UNREADABLE_METADATA opt/conda')).join('\n'),
        /conda/,
        what,
      );
    }
  });
}

test('what only looks like conda marks nothing', async (t) => {
  const files = {
    'etc/conda/condarc': 'x',
    'etc/profile.d/conda.sh': 'x',
    'usr/local/bin/conda': 'x',
    'usr/share/pkgs/info/index.json': '{}',
    'srv/info/index.json': '{}',
  };
  t.deepEqual(
    gapsOf(await inventoryOf(layerOf(tarOfFiles(files)))).filter((gap) => gap.includes('conda')),
    [],
  );
});

test('conda: packages of a cache are no environments, and a cache serves the environments below it', async (t) => {
  const inventory = await inventoryOf(
    layerOf(
      tarOfFiles({
        'root/mamba/envs/a/conda-meta/history': '',
        'root/mamba/envs/a/conda-meta/numpy-1.5-0.json': record,
        'root/mamba/pkgs/python-3.12-0/compiler_compat/README': 'x',
        'root/mamba/pkgs/python-3.12-0/info/index.json': '{}',
        'root/mamba/pkgs/conda-24-0/condabin/conda': 'x',
      }),
    ),
  );
  t.deepEqual(
    gapsOf(inventory).filter((gap) => gap.includes('conda')),
    [],
  );
});

test('conda: an empty prefix around environments is none; with anything installed in it, it is', async (t) => {
  const files = {
    'opt/conda/conda-meta/history': '',
    'opt/conda/envs/a/bin/python': 'x',
    'opt/conda/envs/a/conda-meta/history': '==> now <==\n+x/noarch::numpy-1.5-0\n',
    'opt/conda/envs/a/conda-meta/numpy-1.5-0.json': record,
  };
  const gaps = async (more: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    gapsOf(await inventoryOf(layerOf(tarOfFiles({ ...files, ...more })))).filter((gap) =>
      gap.includes('conda'),
    );
  t.deepEqual(await gaps({}), []);
  for (const path of ['bin/python', 'lib/libssl.so', 'condabin/conda', 'etc/conda/activate.d/a.sh'])
    t.is((await gaps({ [`opt/conda/${path}`]: 'x' })).length, 1, path);
  t.is((await gaps({ 'opt/conda/conda-meta/history': '+x::openssl-3-0\n' })).length, 1);
});

test('conda: an environment is found through links, once', async (t) => {
  const inventory = await inventoryOf(
    layerOf(tarOfFiles({ ...environment, ...cached })),
    layer(
      { name: 'usr/conda', type: '2', link: '/opt/conda' },
      { name: 'srv/env/conda-meta', type: '2', link: '/srv/meta' },
      { name: 'srv/meta/history' },
      { name: 'srv/meta/numpy-1.5-0.json', content: record },
    ),
  );
  t.deepEqual(
    gapsOf(inventory).filter((gap) => gap.includes('conda')),
    [],
  );
});

const journal = 'var/lib/dpkg/updates';
/** [what lies there, records, whether it is a gap] */
const journals: readonly (readonly [string, readonly TarRecord[], boolean])[] = [
  ['a file', [{ name: `${journal}/0000`, content: stanza('numpy') }], true],
  ['a file that names nothing', [{ name: `${journal}/0012`, content: '\n' }], true],
  ['a link to a file', [{ name: `${journal}/0000`, type: '2', link: '../status' }], true],
  ['a hard link', [{ name: `${journal}/0000`, type: '1', link: 'var/lib/dpkg/status' }], true],
  ['a dangling link', [{ name: `${journal}/0000`, type: '2', link: '/nowhere' }], true],
  ['a pipe', [{ name: `${journal}/0000`, type: '6' }], true],
  ['a directory with something in it', [{ name: `${journal}/0000/x`, content: 'x' }], true],
  [
    'a file behind a link',
    [
      { name: journal, type: '2', link: '/srv/journal' },
      { name: 'srv/journal/0000', content: stanza('numpy') },
    ],
    true,
  ],
  ['nothing', [{ name: `${journal}/`, type: '5' }], false],
  ['an empty file', [{ name: `${journal}/0000` }], false],
  ['what dpkg does not read', [{ name: `${journal}/tmp.i`, content: stanza('numpy') }], false],
];
for (const [title, records, isGap] of journals) {
  test(`threat 60: dpkg believes its journal over its database: ${title}`, async (t) => {
    const base = layerOf(tarOfFiles({ 'etc/os-release': osRelease, 'var/lib/dpkg/status': stanza('bash') }));
    const gaps = gapsOf(await inventoryOf(base, layer(...records)));
    t.is(gaps.length, isGap ? 1 : 0, gaps.join('\n'));
    if (isGap) t.regex(gaps.join(), /^UNREADABLE_METADATA var\/lib\/dpkg\/updates\//);
  });
}
