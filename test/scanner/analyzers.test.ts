import test from 'ava';
import { fileSelection } from '../../src/scanner/analyzers/all.ts';
import type { FileFacts } from '../../src/scanner/analyzers/analyzer.ts';
import { fileFactsSchema } from '../../src/scanner/analyzers/analyzer.ts';

const read = (path: string, text: string): FileFacts => {
  const facts = fileSelection.extract(path, Buffer.from(text));
  // What is kept between runs must come back the same.
  return fileFactsSchema.parse(JSON.parse(JSON.stringify(facts)));
};

test('which files are wanted', (t) => {
  const wanted: Readonly<Record<string, boolean>> = {
    'etc/os-release': true,
    'usr/lib/os-release': true,
    'var/lib/dpkg/status': true,
    'var/lib/dpkg/status.d/libc6': true,
    'var/lib/dpkg/status.d/libc6.md5sums': false,
    'var/lib/dpkg/info/python3-numpy.list': true,
    'usr/lib/python3/dist-packages/numpy-1.24.2.egg-info': true,
    'usr/lib/python3/dist-packages/numpy-1.24.2.egg-info/PKG-INFO': true,
    'opt/venv/lib/python3.12/site-packages/a.dist-info/METADATA': true,
    'opt/venv/lib/python3.12/site-packages/a.DIST-INFO/METADATA': true,
    'opt/venv/lib/python3.12/site-packages/a.dist-info/PKG-INFO': true,
    'opt/venv/lib/python3.12/site-packages/a.dist-info/metadata': false,
    'opt/x.egg/EGG-INFO/PKG-INFO': true,
    'opt/conda/conda-meta/numpy-1.26.4-py312_0.json': true,
    'opt/conda/conda-meta/history': true,
    'conda-meta/a.json': true,
    'lib/apk/db/installed': false,
    'root/var/lib/dpkg/status': false,
    'var/lib/dpkg/status-old': false,
    'var/lib/dpkg/info/x.md5sums': false,
    'a.dist-info/RECORD': false,
  };
  for (const [path, answer] of Object.entries(wanted)) t.is(fileSelection.wants(path), answer, path);
});

test('what marks a package manager that is not read', (t) => {
  const managers: Readonly<Record<string, string | undefined>> = {
    'lib/apk/db/installed': 'apk',
    'usr/lib/apk/db/triggers': 'apk',
    'etc/apk/world': 'apk',
    'var/lib/rpm/rpmdb.sqlite': 'rpm',
    'usr/lib/sysimage/rpm/Packages.db': 'rpm',
    'app/node_modules/left-pad': 'npm',
    'app/node_modules/left-pad/package.json': 'npm',
    'app/node_modules/@s/left-pad/package.json': 'npm',
    'node_modules/a': 'npm',
    'usr/lib/R/library/stats': 'R',
    'usr/lib/R/library/stats/DESCRIPTION': 'R',
    'usr/local/lib/R/site-library/x': 'R',
    'usr/lib/ruby/gems/3.1.0/specifications/rake-13.gemspec': 'RubyGems',
    'usr/lib/ruby/gems/3.1.0/gems/rake-13.0': 'RubyGems',
    'opt/a.jar': 'Java archive',
    'opt/a.JAR': 'Java archive',
    'opt/a.War': 'Java archive',
    'x/site-packages/y.egg': 'zipped Python egg',
    'opt/app/y.egg': 'zipped Python egg',
    'y.EGG': 'zipped Python egg',
    'opt/run.pyz': 'zipped Python application',
    'opt/run.PYZW': 'zipped Python application',
    'usr/local/bin/run.pex': 'zipped Python application',
    'opt/numpy-1.0-py3-none-any.whl': 'Python wheel',
    'opt/numpy-1.0-py3-none-any.WHL': 'Python wheel',
    'usr/share/python-wheels/numpy-1.0-py3-none-any.whl': 'Python wheel',
    'usr/local/lib/python3.12/ensurepip/_bundled/numpy-1.0-py3-none-any.whl': 'Python wheel',
    'opt/pip-24.0-py3-none-any.whl': 'Python wheel',
    'usr/share/python-wheels/pip-23.0.1-py3-none-any.whl': undefined,
    'usr/share/python-wheels/setuptools-66.1.1-py3-none-any.whl': undefined,
    'usr/local/lib/python3.11/ensurepip/_bundled/pip-24.0-py3-none-any.whl': undefined,
    'opt/conda/pkgs/python-3.12-0/lib/python3.12/ensurepip/_bundled/setuptools-65.5.0-py3-none-any.whl':
      undefined,
    'x/site-packages/virtualenv/seed/wheels/embed/wheel-0.42.0-py3-none-any.whl': undefined,
    'usr/lib/python3.13/test/wheeldata/wheel-0.43.0-py3-none-any.whl': undefined,
    'usr/lib/python3.12/test/setuptools-67.6.1-py3-none-any.whl': undefined,
    'usr/lib/python3.12/test/test_importlib/data/example-21.12-py3.6.egg': undefined,
    'usr/lib/python3.13/test/test_importlib/metadata/data/example2-1.0.0-py3-none-any.whl': undefined,
    [`root/.cache/pip/wheels/0a/1b/2c/${'3d'.repeat(28)}/a-1-py3-none-any.whl`]: undefined,
    'usr/lib/python3/dist-packages/pkg_resources/tests/data/my-test-package_zipped-egg/my_test_package-1.0-py3.7.egg':
      undefined,
    'opt/.egg': undefined,
    'opt/a.egg-info.txt': undefined,
    'app/package.json': undefined,
    'app/node_modules/.bin': undefined,
    'app/node_modules/a/test/package.json': undefined,
    'usr/share/library/x': undefined,
  };
  for (const [path, manager] of Object.entries(managers)) {
    const mark = fileSelection.marks(path, 'file');
    t.deepEqual(mark, manager === undefined ? undefined : { tells: { unsupported: manager } }, path);
  }
  for (const path of [
    'x/site-packages/y.egg',
    'x/site-packages/y.EGG',
    'opt/y.egg',
    'opt/y.whl',
    'opt/y.pyz',
  ])
    t.false('tells' in (fileSelection.marks(path, 'directory') ?? {}), path);
});

test('os-release with each kind of quoting', (t) => {
  t.deepEqual(
    read('etc/os-release', `# comment\nID=debian\nVERSION_ID="12"\nPRETTY_NAME='Debian GNU/Linux 12'\n`)
      .distribution,
    {
      id: 'debian',
      version: '12',
      name: 'Debian GNU/Linux 12',
    },
  );
  t.deepEqual(read('etc/os-release', 'NAME=x').distribution, { id: 'linux' });
  t.deepEqual(read('etc/os-release', 'ID="a b;c"').problems?.length, 1);
});

const status = `Package: python3-numpy
Status: install ok installed
Architecture: amd64
Source: numpy
Version: 1:1.24.2-1+deb12u1
Description: Fast array facility
 Version: 9 in a continuation line is no field
 .
 more

Package: libpython3-stdlib
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: python3-defaults (3.11.2-1)
Version: 3.11.2-1+b1

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install reinstreq half-installed
Version: 2

Package: never
Status: purge ok not-installed
`;

test('dpkg status: what is on disk, with source package and version', (t) => {
  t.deepEqual(read('var/lib/dpkg/status', status), {
    packages: [
      {
        type: 'deb',
        name: 'python3-numpy',
        version: '1:1.24.2-1+deb12u1',
        source: { name: 'numpy', version: '1:1.24.2-1+deb12u1' },
        qualifiers: { arch: 'amd64' },
      },
      {
        type: 'deb',
        name: 'libpython3-stdlib',
        version: '3.11.2-1+b1',
        source: { name: 'python3-defaults', version: '3.11.2-1' },
        qualifiers: { arch: 'amd64' },
      },
      { type: 'deb', name: 'half', version: '2' },
    ],
    removed: ['gone', 'never'],
  });
});

test('dpkg status.d: one file per package, without Status; md5sums are no packages', (t) => {
  t.deepEqual(read('var/lib/dpkg/status.d/base', 'Package: base-files\nVersion: 12\n').packages, [
    { type: 'deb', name: 'base-files', version: '12' },
  ]);
  t.deepEqual(read('var/lib/dpkg/status.d/base.md5sums', 'Package: x\nVersion: 1\n'), {});
});

test('threat 33: a stanza that cannot be understood is a problem, not nothing', (t) => {
  const facts = read(
    'var/lib/dpkg/status',
    'Package: a\nStatus: install ok installed\n\nPackage: b\nVersion: 1\n',
  );
  t.is(facts.packages?.length, 1);
  t.is(facts.problems?.length, 1);
});

test('dpkg lists: only paths of Python metadata', (t) => {
  const list =
    '/.\n/usr/lib/python3/dist-packages/numpy\n/usr/lib/python3/dist-packages/numpy-1.24.2.egg-info\n';
  t.deepEqual(read('var/lib/dpkg/info/python3-numpy:amd64.list', list).owns, {
    package: 'python3-numpy',
    paths: ['usr/lib/python3/dist-packages/numpy-1.24.2.egg-info'],
  });
  t.deepEqual(read('var/lib/dpkg/info/bash.list', '/bin/bash\n'), {});
});

test('Python metadata: name, version, licence; the description is not read', (t) => {
  const metadata =
    'Metadata-Version: 2.1\r\nName: Foo.Bar\r\nVersion: 1.0\r\nLicense: UNKNOWN\r\nClassifier: License :: OSI Approved :: MIT License\r\n\r\nVersion: 2.0\r\n';
  t.deepEqual(read('x.dist-info/METADATA', metadata).packages, [
    { type: 'pypi', name: 'Foo.Bar', version: '1.0', licenses: ['MIT License'] },
  ]);
  t.deepEqual(
    read('x.egg-info', 'Name: a\nVersion: 1\nLicense-Expression: MIT\nLicense: other').packages?.[0]
      ?.licenses,
    ['MIT'],
  );
  t.deepEqual(read('x.egg-info', 'Name: a\nVersion: 1\nLicense: BSD').packages?.[0]?.licenses, ['BSD']);
});

test('threat 33: Python metadata without a name or version is a problem', (t) => {
  for (const text of [
    '',
    'Name: a\n',
    'Version: 1\n',
    'Name: a b\nVersion: 1\n',
    '\nName: a\nVersion: 1\n',
  ]) {
    t.is(read('x.dist-info/METADATA', text).problems?.length, 1, JSON.stringify(text));
  }
});

test('conda: PyPI names from purls or from the files that the package carries', (t) => {
  const conda = (record: object): FileFacts => read('opt/conda/conda-meta/x.json', JSON.stringify(record));
  const base = {
    name: 'numpy',
    version: '1.26.4',
    build: 'py312_0',
    channel: 'https://repo.example/t/tk-secret/main/linux-64',
    subdir: 'linux-64',
  };
  t.deepEqual(
    conda({
      ...base,
      license: 'BSD-3-Clause',
      files: ['lib/python3.12/site-packages/numpy-1.26.4.dist-info/METADATA', 'bin/f2py'],
    }).packages,
    [
      {
        type: 'conda',
        name: 'numpy',
        version: '1.26.4',
        qualifiers: { build: 'py312_0', channel: 'main', subdir: 'linux-64' },
        pypi: [{ name: 'numpy', version: '1.26.4' }],
        licenses: ['BSD-3-Clause'],
      },
    ],
  );
  t.deepEqual(conda({ ...base, purls: ['pkg:pypi/numpy@1.26.4?x=y'] }).packages?.[0]?.pypi, [
    { name: 'numpy', version: '1.26.4' },
  ]);
  t.is(conda({ name: 'openssl', version: '3.0' }).packages?.[0]?.pypi, undefined);
});

/** [channel of a record, what is told of it] */
const channels: readonly (readonly [string, string | undefined])[] = [
  ['conda-forge', 'conda-forge'],
  ['pkgs/main', 'main'],
  ['https://conda.anaconda.org/conda-forge/linux-64', 'conda-forge'],
  ['https://conda.anaconda.org/conda-forge/noarch/', 'conda-forge'],
  ['https://bob:s3cret@conda.corp.example/linux-64', undefined],
  ['https://s3cret@conda.corp.example/team/linux-64?s3cret#s3cret', 'team'],
  ['https://conda.corp.example?token=s3cret/linux-64', undefined],
  ['https://host/t/s3cret/conda-forge/linux-64', 'conda-forge'],
  ['https://host/t/s3cret/linux-64', undefined],
  ['https://host/t/s3cret', undefined],
  ['https://host/t/a/t/s3cret/', undefined],
  ['https://host/T//s3cret/', undefined],
  ['https://host/%74/s3cret/linux-64', undefined],
  ['https://host/%2574/s3cret/linux-64', undefined],
  ['https://host/x%2Ft%2Fs3cret', 'x'],
  ['https://host/a:s3cret@b/linux-64', undefined],
  ['https://host/%zz/t/s3cret', undefined],
  ['HTTPS:\\\\bob:s3cret@host\\t\\s3cret', undefined],
  ['bob:s3cret@conda.corp.example/linux-64', undefined],
  ['conda.corp.example/t/s3cret/linux-64', undefined],
  ['//bob:s3cret@host/linux-64', undefined],
  ['conda.corp.example/linux-64', undefined],
  ['//conda.corp.example/linux-64', undefined],
  ['/t/s3cret/main', 'main'],
  ['file:///srv/channel/linux-64', 'channel'],
  ['-', undefined],
  ['', undefined],
];
for (const subdir of ['linux-64', undefined]) {
  test(`conda: of a channel only its name is told, and no credential (subdir ${String(subdir)})`, (t) => {
    for (const [channel, name] of channels) {
      const text = JSON.stringify({ name: 'zlib', version: '1', channel, subdir });
      const facts = read('opt/conda/conda-meta/x.json', text);
      t.is(facts.packages?.[0]?.qualifiers?.['channel'], name, channel);
      t.notRegex(JSON.stringify(facts), /s3cret|corp/, channel);
    }
  });
}

test('conda: build, subdir and licence of other forms are not told', (t) => {
  const url = 'https://bob:s3cret@host/x';
  const record = { name: 'zlib', version: '1', build: url, subdir: url, license: url };
  t.deepEqual(read('opt/conda/conda-meta/x.json', JSON.stringify(record)).packages, [
    { type: 'conda', name: 'zlib', version: '1', qualifiers: {} },
  ]);
});

test('text that holds a credential is told nowhere', (t) => {
  const url = 'https://bob:s3cret@host/x';
  for (const [path, text] of [
    ['x.dist-info/METADATA', `Name: a\nVersion: 1\nLicense: ${url}\n`],
    ['x.dist-info/METADATA', `Name: a\nVersion: ${url}\n`],
    ['var/lib/dpkg/status', `Homepage: ${url}\nPackage: a\n`],
    ['var/lib/dpkg/status', `Package: a\nVersion: ${url}\n`],
    ['opt/conda/conda-meta/x.json', JSON.stringify({ name: 'a', version: url })],
    [
      'opt/conda/conda-meta/x.json',
      JSON.stringify({ name: 'a', version: '1', purls: [`pkg:pypi/a@${url}`] }),
    ],
    ['etc/os-release', `ID=debian\nPRETTY_NAME="${url}"\n`],
  ] as const) {
    t.notRegex(JSON.stringify(read(path, text)), /s3cret/, text);
  }
});

test('threat 33: a conda record that cannot be understood is a problem', (t) => {
  for (const text of ['', '{', '{"name":"a","name":"b","version":"1"}', '{"name":"a"}']) {
    t.is(read('opt/conda/conda-meta/x.json', text).problems?.length, 1, text);
  }
});

test('conda: settings are no package, but a package may have their name', (t) => {
  t.deepEqual(read('opt/conda/conda-meta/state.json', '{"env_vars":{}}'), {});
  t.is(read('opt/conda/conda-meta/state.json', '{"name":"a","version":"1"}').packages?.length, 1);
});

test('conda: what the history says is in must have a record', (t) => {
  const history = `==> 2024-01-01 00:00:00 <==
# cmd: conda create
+conda-forge/linux-64::openssl-3.2.0-hd590300_1
+https://conda.anaconda.org/conda-forge/noarch::tzdata-2024a-h0c530f3_0
+defaults::old-1-0
==> 2024-01-02 00:00:00 <==
-defaults::old-1-0
# update specs: ['x']
`;
  t.deepEqual(read('opt/conda/conda-meta/history', history).expects, [
    'opt/conda/conda-meta/openssl-3.2.0-hd590300_1.json',
    'opt/conda/conda-meta/tzdata-2024a-h0c530f3_0.json',
  ]);
});
