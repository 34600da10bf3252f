import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { annotations, mediaTypes } from '../../src/domain/media-types.ts';
import { tags } from '../../src/domain/names.ts';
import { shortHex } from '../../src/domain/digest.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { canonicalBytes } from '../../src/json/canonical.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { Seal } from '../../src/ports/seal.ts';
import type { PolicyRules } from '../../src/manifest/policy.ts';
import type { ScanPorts } from '../../src/steps/scan.ts';
import { readScanResult, writeScanResult } from '../../src/steps/scan-result.ts';
import { scan } from '../../src/steps/scan.ts';
import { putLayeredImage } from '../support/layered-image.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { manualClock } from '../support/manual-clock.ts';
import type { MemoryRegistry } from '../support/memory-registry.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { finding, gap, report as reportWith } from '../support/scan-reports.ts';
import { testSeal } from '../support/test-seal.ts';
import { layerOf, tarOfFiles } from '../support/tar-archive.ts';

const repository = 'ml/churn-train';
const policy: Pick<PolicyRules, 'scan'> = {
  scan: { failOn: 'high', unfixed: 'report', unknown: 'inconclusive', maxAge: 14 * 86_400, exceptions: [] },
};

interface Scene {
  readonly store: MemoryRegistry;
  readonly image: Descriptor;
  readonly ports: ScanPorts;
  readonly clock: ManualClock;
  readonly events: ProgressEvent[];
  /** What the scanner will say, and how often it was asked. */
  readonly scanner: { key: string; answer: Partial<ScanReport>; scans: number };
}

function scene(): Scene {
  const store = memoryRegistry('store');
  const image = putLayeredImage(store, repository, [layerOf(tarOfFiles({ a: 'A' }))]);
  const clock = manualClock('2026-11-21T12:00:00Z');
  const events: ProgressEvent[] = [];
  const scanner = { key: 'key-1', answer: {} as Partial<ScanReport>, scans: 0 };
  const ports: ScanPorts = {
    content: store.repository(repository),
    store,
    seal: testSeal(),
    clock,
    progress: (event) => events.push(event),
    scanner: {
      cacheKey: async () => scanner.key,
      identity: async () => ({ name: 'test', version: '1', database: reportWith().database.digest }),
      scan: async (request) => {
        scanner.scans += 1;
        const time = clock.now().toISOString().replace('.000', '');
        const report = reportWith({
          startedAt: time,
          finishedAt: time,
          ...scanner.answer,
          image: request.image.digest,
        });
        return { report, sbom: canonicalBytes({ bomFormat: 'CycloneDX' }) };
      },
    },
  };
  return { store, image, ports, clock, events, scanner };
}

test('scans, stores report and SBOM under the scan tag, and answers', async (t) => {
  const { store, image, ports, events } = scene();
  const result = await scan({ repository, image, policy }, ports);
  t.is(result.decision.verdict, 'allowed');
  t.false(result.already);
  const stored = await readScanResult(store, repository, image.digest, testSeal());
  t.deepEqual(stored?.report, result.report);
  t.deepEqual(stored?.sbomDescriptor, result.sbom);
  t.is(Buffer.from(stored?.sbom ?? []).toString(), '{"bomFormat":"CycloneDX"}');
  const [referrer] = await store.repository(repository).referrers(image.digest, mediaTypes.scanResult);
  t.is(referrer?.annotations?.[annotations.scanKey], 'key-1');
  t.deepEqual(
    events.map(({ type }) => type),
    ['started', 'effect', 'finished'],
  );
});

test('the same image, scanner and database: already done, whatever the policy says now', async (t) => {
  const { image, ports, scanner } = scene();
  scanner.answer = { findings: [finding({ severity: 'high' })] };
  const first = await scan({ repository, image, policy }, ports);
  t.is(first.decision.verdict, 'refused');
  const relaxed = { scan: { ...policy.scan, failOn: 'critical' as const } };
  const second = await scan({ repository, image, policy: relaxed }, ports);
  t.is(scanner.scans, 1);
  t.true(second.already);
  t.is(second.decision.verdict, 'allowed');
  t.deepEqual(second.report, first.report);
});

test('another scanner or database: scanned again, and only the new result counts', async (t) => {
  const { store, image, ports, scanner } = scene();
  await scan({ repository, image, policy }, ports);
  scanner.key = 'key-2';
  scanner.answer = { coverage: { components: 1, ecosystems: [], gaps: [gap] } };
  const again = await scan({ repository, image, policy }, ports);
  t.false(again.already);
  t.is(again.decision.verdict, 'inconclusive');
  t.deepEqual((await readScanResult(store, repository, image.digest, testSeal()))?.report.coverage.gaps, [
    gap,
  ]);
});

test('threat 9, 32: a stale scan is made again, and is fresh then', async (t) => {
  const { image, ports, clock, scanner } = scene();
  await scan({ repository, image, policy }, ports);
  await clock.sleep(15 * 86_400_000);
  scanner.answer = {
    database: { digest: sha256('database'), newest: clock.now().toISOString(), ecosystems: [] },
  };
  const again = await scan({ repository, image, policy }, ports);
  t.is(scanner.scans, 2);
  t.is(again.decision.verdict, 'allowed');
});

test('threat 39: killed before the result is stored, the next run scans and stores', async (t) => {
  const { store, image, ports, scanner } = scene();
  store.fail(1, new AmlpromoteError('DISK_FULL', 'full'), 'pushManifest');
  await t.throwsAsync(scan({ repository, image, policy }, ports), { message: 'full' });
  t.is(await readScanResult(store, repository, image.digest, testSeal()), undefined);
  t.false((await scan({ repository, image, policy }, ports)).already);
  t.is(scanner.scans, 2);
});

test('a stored result that this machine did not make is as if it were not there', async (t) => {
  const { store, image, ports, scanner } = scene();
  const honest = await scan({ repository, image, policy }, ports);
  const put = async (seal: Seal, cacheKey = 'key-1'): Promise<void> => {
    const outcome = {
      report: { ...honest.report, findings: [] },
      sbom: canonicalBytes({ bomFormat: 'forged' }),
    };
    await writeScanResult(store, { repository, image, outcome, cacheKey, seal });
  };
  const strangers: readonly Seal[] = [
    testSeal('another machine'),
    { ...testSeal(), seal: (_purpose, parts) => sha256(parts.join()) },
    { ...testSeal(), seal: (_purpose, parts) => testSeal().seal('build-facts', parts) },
    { ...testSeal(), seal: () => '' },
  ];
  for (const [index, stranger] of strangers.entries()) {
    await put(stranger);
    t.is(await readScanResult(store, repository, image.digest, testSeal()), undefined);
    t.false((await scan({ repository, image, policy }, ports)).already);
    t.is(scanner.scans, index + 2);
  }
  // A seal holds for its content, its repository and its scanner.
  const [{ descriptor } = { descriptor: undefined }] = [
    await store.repository(repository).manifest(tags.scan(shortHex(image.digest))),
  ].flatMap((found) => found ?? []);
  t.truthy(descriptor);
  t.is(await readScanResult(store, 'ml/other', image.digest, testSeal()), undefined);
});

test('an image that lies elsewhere is scanned there; the result is kept in the store', async (t) => {
  const { image, ports, store } = scene();
  const empty = memoryRegistry('store');
  await scan(
    { repository, image, policy },
    { ...ports, content: store.repository(repository), store: empty },
  );
  t.truthy(await readScanResult(empty, repository, image.digest, testSeal()));
});

test('an index is not one image', async (t) => {
  const { image, ports } = scene();
  const error = await t.throwsAsync(
    scan({ repository, image: { ...image, mediaType: mediaTypes.ociIndex }, policy }, ports),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'UNSUPPORTED');
});

test('what cannot be checked is an error, not an answer', async (t) => {
  const { image, ports } = scene();
  const scanner = {
    ...ports.scanner,
    scan: () => Promise.reject(new AmlpromoteError('UNREACHABLE', 'gone')),
  };
  await t.throwsAsync(scan({ repository, image, policy }, { ...ports, scanner }), { message: 'gone' });
});

test('not scanned is undefined; so is what another image or another artifact left under the tag', async (t) => {
  const { store, image } = scene();
  t.is(await readScanResult(store, repository, image.digest, testSeal()), undefined);
  store.putManifest(
    repository,
    (await store.repository(repository).manifest(image.digest))!,
    tags.scan(shortHex(image.digest)),
  );
  t.is(await readScanResult(store, repository, image.digest, testSeal()), undefined);
});

const damaged = test.macro({
  title: (title) => `a stored result is read strictly: ${title ?? ''}`,
  async exec(t, change: (report: ScanReport) => unknown) {
    const { store, image, ports } = scene();
    const { report, sbom } = await scan({ repository, image, policy }, ports);
    const config = store.putBlob(repository, '{}', mediaTypes.ociEmpty);
    const layer = store.putBlob(repository, canonicalBytes(change(report)), mediaTypes.scanReport);
    const parts = [
      repository,
      image.digest,
      'key-1',
      ...[sbom, layer].flatMap(({ mediaType, digest }) => [mediaType, digest]),
    ];
    const manifest = encodeManifest({
      mediaType: mediaTypes.ociManifest,
      artifactType: mediaTypes.scanResult,
      config,
      layers: [sbom, layer],
      subject: image,
      annotations: {
        [annotations.scanKey]: 'key-1',
        [annotations.seal]: testSeal().seal('scan-result', parts),
      },
    });
    store.putManifest(repository, manifest, tags.scan(shortHex(image.digest)));
    const error = await t.throwsAsync(readScanResult(store, repository, image.digest, testSeal()), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'CONTENT_INVALID');
  },
});
test('an unknown member', damaged, (report) => ({ ...report, more: 1 }));
test('a missing member', damaged, (report) => ({ ...report, coverage: undefined }));
test('a report about another image', damaged, (report) => ({ ...report, image: sha256('other') }));

test('a stored result with other bytes than its digest is refused', async (t) => {
  const { store, image, ports } = scene();
  const { sbom } = await scan({ repository, image, policy }, ports);
  store.corrupt(sbom.digest, Buffer.from('{"bomFormat":"CycloneDy"}'));
  const error = await t.throwsAsync(readScanResult(store, repository, image.digest, testSeal()), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INTEGRITY_MISMATCH');
});
