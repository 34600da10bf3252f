import { readFileSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import type { ScanOutcome, Scanner } from '../../src/ports/scanner.ts';
import { createBuiltinScanner } from '../../src/scanner/builtin.ts';
import { putLayeredImage } from '../support/layered-image.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import type { TestLayer } from '../support/tar-archive.ts';
import { layerOf, tarArchive, tarOfFiles } from '../support/tar-archive.ts';
import { testSeal } from '../support/test-seal.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const root = join(import.meta.dirname, '../..');
const demoDatabase = join(root, 'manifests/advisories');

const debianPackage = (name: string, version: string, extra = ''): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\n${extra}Version: ${version}\n`;

/** What the sample image contains, in the small: Debian 12, numpy as Debian package and as egg-info, as on a usr-merged disk. */
const base = layerOf(
  tarArchive(
    { name: 'lib', type: '2', link: 'usr/lib' },
    { name: 'etc/os-release', type: '2', link: '../usr/lib/os-release' },
    {
      name: 'usr/lib/os-release',
      content: 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    },
    {
      name: 'var/lib/dpkg/status',
      content: [
        debianPackage('apt', '2.6.1'),
        debianPackage('python3-numpy', '1:1.24.2-1+deb12u1', 'Source: numpy\n'),
        debianPackage('python3.11-minimal', '3.11.2-6+deb12u8', 'Source: python3.11\n'),
        debianPackage('zlib1g', '1:1.2.13.dfsg-1', 'Source: zlib\n'),
      ].join('\n'),
    },
    {
      name: 'var/lib/dpkg/info/python3-numpy.list',
      content: '/usr/lib/python3/dist-packages/numpy-1.24.2.egg-info\n',
    },
    {
      name: 'usr/lib/python3/dist-packages/numpy-1.24.2.egg-info/PKG-INFO',
      content: 'Name: numpy\nVersion: 1.24.2\nLicense: BSD\n',
    },
  ),
);

const scannerWith = (databaseDir: string, cacheDir?: string): Scanner =>
  createBuiltinScanner({
    databaseDir,
    clock: manualClock(),
    version: '0.0.0-test',
    ...(cacheDir === undefined ? {} : { cache: { directory: cacheDir, seal: testSeal() } }),
  });

async function scan(layers: readonly TestLayer[], scanner: Scanner): Promise<ScanOutcome> {
  const registry = memoryRegistry();
  const image = putLayeredImage(registry, 'image', layers);
  return scanner.scan({ content: registry.repository('image'), image, progress: () => {} });
}

const findingsOf = ({ findings }: ScanReport): string[] =>
  findings.map(({ id, severity, package: { name } }) => `${id} ${severity} ${name}`);

test('the demo database against what the sample contains', async (t) => {
  const { report } = await scan([base], scannerWith(demoDatabase));
  t.deepEqual(findingsOf(report), [
    'FIXTURE-2026-0001 high python3-numpy',
    'FIXTURE-2026-0004 low python3.11-minimal',
    'FIXTURE-2026-0003 high zlib1g',
    'FIXTURE-2026-0002 high numpy',
  ]);
  t.deepEqual(report.coverage, { components: 5, ecosystems: ['Debian:12', 'PyPI'], gaps: [] });
  t.regex(report.database.label ?? '', /FIXTURE/);
  t.is(report.startedAt, '2026-05-04T10:00:00Z');
  const numpy = report.findings.at(-1);
  t.deepEqual(numpy?.package, {
    name: 'numpy',
    version: '1.24.2',
    purl: 'pkg:pypi/numpy@1.24.2',
    source: { name: 'python3-numpy', version: '1:1.24.2-1+deb12u1' },
  });
  t.regex(numpy?.summary ?? '', /belong to the Debian package python3-numpy/);
  t.is(numpy?.layer, base.descriptor.digest);
});

test('the demo policy accepts what its exceptions name; without them it refuses', async (t) => {
  const { report } = await scan([base], scannerWith(demoDatabase));
  const policy = await loadPolicy(join(root, 'manifests/policy.demo.yaml'));
  const now = new Date('2026-05-04T10:00:00Z');
  t.is(evaluateScan(report, policy, now).verdict, 'allowed');
  const strict = evaluateScan(report, { scan: { ...policy.scan, exceptions: [] } }, now);
  t.is(strict.verdict, 'refused');
  t.deepEqual(
    strict.reasons.filter(({ verdict }) => verdict === 'refused').map(({ subject }) => subject),
    ['FIXTURE-2026-0001 in python3-numpy 1:1.24.2-1+deb12u1', 'FIXTURE-2026-0002 in numpy 1.24.2'],
  );
});

test('threat 33: with a real-shape database that lacks Debian 12, the default policy answers inconclusive', async (t) => {
  const record = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'records', name));
  const databaseDir = await temporaryDirectory(t, {
    'Debian/DSA-5111-1.json': record('DSA-5111-1.json'),
    'PyPI/PYSEC-2021-854.json': record('PYSEC-2021-854.json'),
  });
  const { report } = await scan([base], scannerWith(databaseDir));
  t.deepEqual(
    report.coverage.gaps.map(({ code, subject }) => [code, subject]),
    [['NO_DATABASE', 'Debian:12']],
  );
  const policy = await loadPolicy(join(root, 'manifests/policy.default.yaml'));
  const now = new Date(Date.parse(report.database.newest ?? ''));
  const decision = evaluateScan({ ...report, finishedAt: now.toISOString() }, policy, now);
  t.is(decision.verdict, 'inconclusive');
  t.deepEqual(
    decision.reasons.map(({ code }) => code),
    ['UNKNOWN_COVERAGE'],
  );
});

test('threat 32: the default policy finds the same database stale years later', async (t) => {
  const { report } = await scan([base], scannerWith(demoDatabase));
  const policy = await loadPolicy(join(root, 'manifests/policy.default.yaml'));
  const { reasons } = evaluateScan(report, policy, new Date('2030-01-01T00:00:00Z'));
  t.true(reasons.some(({ code }) => code === 'STALE_DATABASE'));
  t.true(reasons.some(({ code }) => code === 'STALE_SCAN'));
});

test('what an upper layer removes or replaces is not there', async (t) => {
  const top = layerOf(
    tarOfFiles({
      'usr/lib/python3/dist-packages/.wh.numpy-1.24.2.egg-info': '',
      'lib/python3/dist-packages/six-1.16.0.dist-info/METADATA': 'Name: six\nVersion: 1.16.0\n',
      'var/lib/dpkg/status': debianPackage('bash', '5.2.15-2'),
    }),
  );
  const { report, sbom } = await scan([base, top], scannerWith(demoDatabase));
  t.deepEqual(findingsOf(report), []);
  const names = (
    JSON.parse(Buffer.from(sbom).toString()) as { components: { name: string }[] }
  ).components.map(({ name }) => name);
  t.deepEqual(names, ['debian', 'bash', 'six']);
});

test('a layer that cannot be read, and an image without a distribution, are gaps', async (t) => {
  const broken = layerOf(Buffer.from('no tar'.repeat(200)));
  const { report } = await scan([broken], scannerWith(demoDatabase));
  t.deepEqual(
    report.coverage.gaps.map(({ code, subject }) => [code, subject]),
    [
      ['UNREADABLE_LAYER', broken.descriptor.digest],
      ['UNKNOWN_DISTRIBUTION', 'image'],
    ],
  );
  t.is(report.coverage.components, 0);
});

test('advisories that cannot be understood are a gap', async (t) => {
  const { report } = await scan([base], scannerWith(await temporaryDirectory(t, { 'PyPI/B-1.json': '{' })));
  t.true(
    report.coverage.gaps.some(
      ({ code, subject }) => code === 'UNREADABLE_METADATA' && subject === 'advisory database',
    ),
  );
});

test('an image or a database that is not there is an error', async (t) => {
  const registry = memoryRegistry();
  const image = putLayeredImage(registry, 'image', [base]);
  const request = { content: memoryRegistry().repository('image'), image, progress: () => {} };
  const noImage = await t.throwsAsync(scannerWith(demoDatabase).scan(request), {
    instanceOf: AmlpromoteError,
  });
  t.is(noImage.code, 'NOT_FOUND');
  const noDatabase = await t.throwsAsync(
    scannerWith(join(demoDatabase, 'none')).scan({ ...request, content: registry.repository('image') }),
    { instanceOf: AmlpromoteError },
  );
  t.is(noDatabase.code, 'NOT_FOUND');
});

test('the cache changes nothing but the time', async (t) => {
  const cacheDir = await temporaryDirectory(t);
  const first = await scan([base], scannerWith(demoDatabase, cacheDir));
  const registry = memoryRegistry();
  const image = putLayeredImage(registry, 'image', [base]);
  registry.drop(base.descriptor.digest);
  const second = await scannerWith(demoDatabase, cacheDir).scan({
    content: registry.repository('image'),
    image,
    progress: () => {},
  });
  t.deepEqual(second, first);
});

test('an edited cache, its checksums computed anew, changes nothing', async (t) => {
  const cacheDir = await temporaryDirectory(t);
  const first = await scan([base], scannerWith(demoDatabase, cacheDir));
  for (const name of await readdir(cacheDir)) {
    const file = join(cacheDir, name);
    const text = await readFile(file, 'utf8');
    if (!name.endsWith('.json')) continue;
    const body = text.slice(text.indexOf('\n') + 1).replaceAll('numpy', 'nothing');
    t.not(body, text.slice(text.indexOf('\n') + 1));
    await writeFile(file, `${sha256(body)}\n${body}`);
  }
  t.deepEqual(await scan([base], scannerWith(demoDatabase, cacheDir)), first);
});

test('the cache key names scanner and database', async (t) => {
  const key = await scannerWith(demoDatabase).cacheKey();
  t.is(await scannerWith(demoDatabase).cacheKey(), key);
  t.not(await scannerWith(await temporaryDirectory(t)).cacheKey(), key);
});

function cyclonedxValidator(): (document: unknown) => string {
  const library = dirname(
    createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json'),
  );
  const schema = (name: string): object =>
    JSON.parse(readFileSync(join(library, 'res/schema', `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(schema('spdx'), 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json');
  ajv.addSchema(schema('jsf-0.82'), 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json');
  const validate = ajv.compile(schema('bom-1.6'));
  return (document) => (validate(document) ? '' : ajv.errorsText(validate.errors));
}

async function sbomOf(t: ExecutionContext): Promise<Uint8Array> {
  const conda = layerOf(
    tarOfFiles({
      'opt/conda/conda-meta/pip-1.json': JSON.stringify({
        name: 'pip',
        version: '24.0',
        channel: 'conda-forge',
        license: 'MIT',
        files: [
          'lib/python3.12/site-packages/pip-24.0.dist-info/METADATA',
          'lib/python3.12/site-packages/extra-1.dist-info/METADATA',
        ],
      }),
    }),
  );
  return (await scan([base, conda], scannerWith(demoDatabase, await temporaryDirectory(t)))).sbom;
}

test('the SBOM is CycloneDX 1.6 by its schema', async (t) => {
  const document = JSON.parse(Buffer.from(await sbomOf(t)).toString()) as Record<string, unknown>;
  t.is(cyclonedxValidator()(document), '');
  t.is(document.specVersion, '1.6');
  t.deepEqual(
    (document.components as { purl?: string }[]).map(({ purl }) => purl),
    [
      undefined,
      'pkg:conda/pip@24.0?channel=conda-forge',
      'pkg:deb/debian/apt@2.6.1?arch=amd64&distro=debian-12',
      'pkg:deb/debian/python3-numpy@1:1.24.2-1+deb12u1?arch=amd64&distro=debian-12',
      'pkg:deb/debian/python3.11-minimal@3.11.2-6+deb12u8?arch=amd64&distro=debian-12',
      'pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12',
      'pkg:pypi/numpy@1.24.2',
    ],
  );
});

test('the SBOM of the same image has the same bytes', async (t) => {
  t.deepEqual(await sbomOf(t), await sbomOf(t));
});
