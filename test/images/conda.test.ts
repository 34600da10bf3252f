import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ScanOutcome } from '../../src/ports/scanner.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { evaluateScan } from '../../src/policy/scan.ts';
import { createBuiltinScanner } from '../../src/scanner/builtin.ts';
import { findTool } from '../support/find-tool.ts';
import { putLayeredImage } from '../support/layered-image.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { layerOf, tarOfFiles } from '../support/tar-archive.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { needing } from '../support/tools.ts';

/** The conda-like sample: what its script writes, on a Debian without anything else, under the policy that goes with it. */
const root = path.resolve(import.meta.dirname, '../..');
const manifests = path.join(root, 'manifests');
const now = new Date('2026-11-25T12:00:00Z');
const withPython = needing('python3');

const debian = layerOf(
  tarOfFiles({
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    'var/lib/dpkg/status':
      'Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\n',
  }),
);

async function scanSample(
  t: ExecutionContext,
  changes: Readonly<Record<string, string>> = {},
): Promise<ScanOutcome> {
  const directory = await temporaryDirectory(t);
  const prefix = path.join(directory, 'conda');
  execFileSync(findTool('python3') ?? '', [path.join(root, 'images/churn-conda/make-environment.py'), prefix]);
  const files = Object.fromEntries(
    readdirSync(prefix, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(directory, file), readFileSync(file, 'utf8')]),
  );
  const registry = memoryRegistry();
  const image = putLayeredImage(registry, 'ml/churn-conda', [
    debian,
    layerOf(tarOfFiles({ ...files, ...changes })),
  ]);
  const scanner = createBuiltinScanner({
    databaseDir: path.join(manifests, 'advisories'),
    clock: manualClock(now.toISOString()),
    version: '0.0.0',
  });
  return await scanner.scan({ content: registry.repository('ml/churn-conda'), image, progress: () => undefined });
}

const judge = async ({ report }: ScanOutcome, policy: string): Promise<ReturnType<typeof evaluateScan>> =>
  evaluateScan(report, await loadPolicy(path.join(manifests, policy)), now);

withPython('a conda environment passes with exceptions that a security officer would sign, and not without', async (t) => {
  const scanned = await scanSample(t);
  t.deepEqual(
    scanned.report.coverage.gaps.map(({ code, subject }) => `${code} ${subject}`),
    ['UNMATCHED_PACKAGE conda'],
  );
  const without = await judge(scanned, 'policy.demo.yaml');
  t.is(without.verdict, 'inconclusive');
  const judged = await judge(scanned, 'policy.conda.yaml');
  t.is(judged.verdict, 'allowed');
  t.regex(
    judged.reasons.find(({ code }) => code === 'UNKNOWN_COVERAGE')?.detail ?? '',
    /accepted until 2027-06-30 by security@contoso\.example/,
  );
});

withPython('what could not be read is not accepted with it, nor another kind of gap', async (t) => {
  for (const changes of [
    { 'conda/conda-meta/numpy-2.2.6-py312h33ff503_0.json': '{"name": "numpy"' },
    { 'conda/lib/python3.12/site-packages/scipy-1.0.dist-info/METADATA': 'no metadata' },
    { 'conda/share/java/a.jar': 'PK' },
    { 'conda/conda-meta/state.json': '{"name": "torch", "version": "not one"' },
  ] as readonly Readonly<Record<string, string>>[]) {
    const judged = await judge(await scanSample(t, changes), 'policy.conda.yaml');
    t.is(judged.verdict, Object.keys(changes)[0]?.endsWith('state.json') ? 'allowed' : 'inconclusive');
  }
});

withPython('what lies in the package cache is told apart from what is installed, and still looked at', async (t) => {
  const old = 'conda/pkgs/numpy-1.26.0-py312_0/lib/python3.12/site-packages/numpy-1.26.0.dist-info/METADATA';
  const { report, sbom } = await scanSample(t, { [old]: 'Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.0\n' });
  const found = report.findings.filter(({ path: place }) => place === old);
  t.true(found.length > 0);
  t.true(found.every(({ summary }) => summary?.includes("conda's package cache, not installed")));
  const { components } = JSON.parse(Buffer.from(sbom).toString()) as {
    components: readonly { purl?: string; properties?: readonly { name: string; value: string }[] }[];
  };
  const state = (place: string): string | undefined =>
    components
      .find(({ properties }) => properties?.some(({ name, value }) => name === 'amlpromote:path' && value === place))
      ?.properties?.find(({ name }) => name === 'amlpromote:state')?.value;
  t.is(state(old), 'cached, not installed');
  t.is(state('conda/lib/python3.12/site-packages/numpy-2.2.6.dist-info/METADATA'), undefined);
});
