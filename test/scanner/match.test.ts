import test from 'ava';
import { sha256 } from '../../src/domain/sha256.ts';
import type { Finding } from '../../src/domain/scan.ts';
import type { InventoryItem } from '../../src/scanner/identify.ts';
import { identify } from '../../src/scanner/identify.ts';
import { takeInventory } from '../../src/scanner/inventory.ts';
import { matchAdvisories } from '../../src/scanner/match.ts';
import type { Advisories } from '../../src/scanner/osv/advisories.ts';
import type { Advisory } from '../../src/scanner/osv/record.ts';
import { baseScore, ratingOfUrgency } from '../../src/scanner/severity.ts';

const critical = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const low = 'CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:N/I:L/A:N';

const advisory = (id: string, changes: Partial<Advisory> = {}): Advisory => ({
  id,
  modified: '2026-01-01T00:00:00Z',
  withdrawn: false,
  aliases: [],
  upstream: [],
  summary: `about ${id}`,
  vectors: [],
  versions: [],
  ranges: [[{ introduced: '0' }, { fixed: '2.0' }]],
  ...changes,
});

const advisoriesOf = (
  list: readonly Advisory[],
  vectors: Readonly<Record<string, readonly string[]>> = {},
): Advisories => ({
  ecosystems: ['PyPI'],
  unreadable: { count: 0, examples: [] },
  covers: (ecosystem) => ecosystem === 'PyPI',
  lookup: (_ecosystem, name) => Promise.resolve(name === 'foo' ? list : []),
  vectorsOf: (id) => vectors[id] ?? [],
  close: () => Promise.resolve(),
});

const layer = sha256('layer');
const foo = (version = '1.0'): readonly InventoryItem[] =>
  identify(
    { type: 'pypi', name: 'Foo', version },
    { layer, path: 'x', distribution: undefined, cached: false, owner: undefined },
  );

async function findingsOf(
  list: readonly Advisory[],
  vectors?: Readonly<Record<string, readonly string[]>>,
): Promise<readonly Finding[]> {
  return (await matchAdvisories(foo(), advisoriesOf(list, vectors))).findings;
}

test('one finding for records that are aliases of each other, however they say so', async (t) => {
  const [finding, ...rest] = await findingsOf([
    advisory('GHSA-1', {
      aliases: ['CVE-1'],
      modified: '2026-03-01T00:00:00Z',
      ranges: [[{ introduced: '0' }, { fixed: '1.5' }]],
    }),
    advisory('PYSEC-1', { aliases: ['CVE-1'] }),
    advisory('OTHER-1', { upstream: ['GHSA-1'] }),
  ]);
  t.deepEqual(rest, []);
  t.is(finding?.id, 'PYSEC-1');
  t.deepEqual(finding?.aliases, ['CVE-1', 'GHSA-1', 'OTHER-1']);
  t.deepEqual(finding?.fixedVersions, ['1.5', '2.0']);
  t.is(finding?.advisoryModified, '2026-03-01T00:00:00Z');
  t.deepEqual(finding?.package, { name: 'Foo', version: '1.0', purl: 'pkg:pypi/foo@1.0' });
});

test('an update with several vulnerabilities glues nothing together, or an exception for one would cover all', async (t) => {
  const dsa = advisory('DSA-1', { upstream: ['CVE-1', 'CVE-2'] });
  const one = advisory('DEBIAN-CVE-1', { upstream: ['CVE-1'] });
  const two = advisory('DEBIAN-CVE-2', { upstream: ['CVE-2'] });
  t.deepEqual(
    (await findingsOf([dsa, one, two])).map(({ id, aliases }) => [id, aliases]),
    [
      ['DEBIAN-CVE-1', ['CVE-1']],
      ['DEBIAN-CVE-2', ['CVE-2']],
    ],
  );
  const partly = await findingsOf([dsa, one], { 'CVE-2': [critical] });
  t.deepEqual(
    partly.map(({ id, aliases, severity }) => [id, aliases, severity]),
    [
      ['DEBIAN-CVE-1', ['CVE-1'], 'unknown'],
      ['DSA-1', [], 'critical'],
    ],
  );
  t.regex(partly[1]?.summary ?? '', /deals with CVE-1, CVE-2/);
});

test('severity: own vector, then an alias, then the word of the ecosystem, else unknown', async (t) => {
  const severityOf = async (list: readonly Advisory[], vectors = {}): Promise<unknown[]> => {
    const [finding] = await findingsOf(list, vectors);
    return [finding?.severity, finding?.score];
  };
  const alias = { 'CVE-1': [critical] };
  t.deepEqual(
    await severityOf([advisory('PYSEC-1', { vectors: [low], aliases: ['CVE-1'], urgency: 'high' })], alias),
    ['low', 2.2],
  );
  t.deepEqual(await severityOf([advisory('PYSEC-1', { aliases: ['CVE-1'], urgency: 'low' })], alias), [
    'critical',
    9.8,
  ]);
  t.deepEqual(
    await severityOf([
      advisory('PYSEC-1', { aliases: ['GHSA-1'] }),
      advisory('GHSA-1', { vectors: [critical] }),
    ]),
    ['critical', 9.8],
  );
  t.deepEqual(await severityOf([advisory('PYSEC-1', { vectors: ['nonsense'], urgency: 'moderate' })]), [
    'medium',
    undefined,
  ]);
  t.deepEqual(await severityOf([advisory('PYSEC-1', { urgency: 'not yet assigned' })]), [
    'unknown',
    undefined,
  ]);
  t.deepEqual(await severityOf([advisory('MAL-2026-1')]), ['critical', undefined]);
});

test('CVSS vectors of every version; what is none has no score', (t) => {
  t.is(baseScore('AV:N/AC:L/Au:N/C:P/I:P/A:P'), 7.5);
  t.is(baseScore('CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H'), 9.8);
  t.is(baseScore(`${critical}/E:U/RL:O`), 9.8);
  t.is(baseScore('CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U'), 9.3);
  for (const text of [
    '',
    '9.8',
    'CVSS:3.1/AV:N',
    'CVSS:3.1/AV:Z/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
    'CVSS:5.0/AV:N',
  ]) {
    t.is(baseScore(text), undefined, text);
  }
  t.deepEqual(ratingOfUrgency('unimportant'), { severity: 'low' });
  t.is(ratingOfUrgency('end-of-life'), undefined);
});

test('threat 33: what cannot be compared is a gap, never "not affected"', async (t) => {
  const odd = await matchAdvisories(foo('one.two'), advisoriesOf([advisory('A-1')]));
  t.deepEqual(
    odd.gaps.map(({ code, subject }) => [code, subject]),
    [['UNPARSABLE_VERSION', 'foo one.two (PyPI)']],
  );
  const event = await matchAdvisories(
    foo(),
    advisoriesOf([advisory('A-1', { ranges: [[{ introduced: '0' }, { fixed: 'r1' }]] })]),
  );
  t.deepEqual(
    event.gaps.map(({ code, subject }) => [code, subject]),
    [['UNPARSABLE_VERSION', 'A-1 for foo 1.0 (PyPI)']],
  );
  const debian = identify(
    { type: 'deb', name: 'bash', version: '5.2-1' },
    { layer, path: 'x', distribution: { id: 'debian', version: '12' }, cached: false, owner: undefined },
  );
  const missing = await matchAdvisories([...debian, ...debian], advisoriesOf([]));
  t.deepEqual(
    missing.gaps.map(({ code, subject }) => [code, subject]),
    [['NO_DATABASE', 'Debian:12']],
  );
  t.deepEqual(missing.ecosystems, []);
});

test('a version that cannot be compared with nothing is no gap', async (t) => {
  t.deepEqual((await matchAdvisories(foo('one.two'), advisoriesOf([]))).gaps, []);
});

const inventory = (
  facts: Parameters<typeof takeInventory>[0]['files'][number]['value'],
  path = 'x',
): ReturnType<typeof takeInventory> =>
  takeInventory({ files: [{ path, layer, value: facts }], told: [], unmet: [], problems: [] });

test('an unknown distribution, or none, is a gap', (t) => {
  const codes = (facts: Parameters<typeof inventory>[0]): string[] =>
    inventory(facts, 'etc/os-release').gaps.map(({ code, subject }) => `${code} ${subject}`);
  t.deepEqual(codes({}), ['UNKNOWN_DISTRIBUTION image']);
  t.deepEqual(codes({ distribution: { id: 'ubuntu', version: '24.04' } }), [
    'UNKNOWN_DISTRIBUTION ubuntu 24.04',
  ]);
  t.deepEqual(codes({ distribution: { id: 'debian' } }), ['UNKNOWN_DISTRIBUTION debian']);
  const packages = [{ type: 'deb' as const, name: 'bash', version: '5.2' }];
  t.deepEqual(codes({ distribution: { id: 'debian', version: '12' }, packages }), []);
});

test('threat 33: Debian without a package of Debian is a gap', (t) => {
  const { gaps } = inventory({ distribution: { id: 'debian', version: '12' } }, 'etc/os-release');
  t.deepEqual(
    gaps.map(({ code, subject }) => [code, subject]),
    [['UNREADABLE_METADATA', 'var/lib/dpkg/status']],
  );
});

test('threat 33: package managers that are not read, and conda packages without a PyPI name, are gaps', (t) => {
  const value = {
    distribution: { id: 'debian', version: '12' },
    packages: [
      { type: 'deb' as const, name: 'bash', version: '5.2' },
      { type: 'conda' as const, name: 'openssl', version: '3.0.1' },
      {
        type: 'conda' as const,
        name: 'numpy',
        version: '1.26.4',
        pypi: [{ name: 'numpy', version: '1.26.4' }],
      },
    ],
  };
  const { gaps } = takeInventory({
    files: [{ path: 'etc/os-release', layer, value }],
    told: [{ path: 'app/node_modules/a', value: { unsupported: 'npm' } }],
    unmet: [],
    problems: [],
  });
  t.deepEqual(
    gaps.map(({ code, subject }) => [code, subject]),
    [
      ['UNMATCHED_PACKAGE', 'npm'],
      ['UNMATCHED_PACKAGE', 'conda'],
    ],
  );
  t.regex(gaps[1]?.detail ?? '', /: openssl 3\.0\.1$/);
});

test('a conda package is matched as the PyPI package that it carries, and says so', async (t) => {
  const items = identify(
    { type: 'conda', name: 'foo-feedstock', version: '9', pypi: [{ name: 'foo', version: '1.0' }] },
    { layer, path: 'opt/conda/conda-meta/x.json', distribution: undefined, cached: false, owner: undefined },
  );
  const [finding] = (await matchAdvisories(items, advisoriesOf([advisory('A-1')]))).findings;
  t.is(finding?.package.purl, 'pkg:conda/foo-feedstock@9');
  t.regex(finding?.summary ?? '', /matched as PyPI package foo 1\.0/);
});
