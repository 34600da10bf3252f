import test from 'ava';
import { openGolden } from '../support/golden.ts';
import type { Golden } from '../support/golden.ts';
import type { OutsideImage } from '../../src/sides/outside.ts';
import { goldenReleases, policyDigests } from './facts.ts';
import type { GoldenName, GoldenRelease } from './facts.ts';

/** With what 0.1.0 left outside: registry, store, manifests, keys. */
const all = Object.entries(goldenReleases) as readonly (readonly [GoldenName, GoldenRelease])[];
/** Of two releases with one counter the newer one is what the store and the tags are about. */
const current = all.filter(([name]) => name !== 'churn-score-1.0.0-first');
const built = current.filter(([, { buildKey }]) => buildKey !== undefined);

test('manifests of 0.1.0 mean what they meant', async (t) => {
  const golden = await openGolden();
  const { zones, policies } = golden;
  t.is(zones.outside.zones.nonsensitive.access?.identity.kind, 'workload');
  t.is(zones.outside.zones.sensitive.access, undefined);
  t.is(zones.inside.zones.nonsensitive.access, undefined);
  t.is(zones.inside.zones.sensitive.access?.network.proxy, 'http://proxy.corp.example:3128');
  t.deepEqual(
    zones.inside.routes.map(({ via }) => via),
    ['acr-import', 'registry'],
  );
  t.is(policies.outside.scan.failOn, 'critical');
  t.is(policies.outside.scan.databaseMaxAge, 365 * 86_400);
  t.like(policies.inside.scan, { failOn: 'high', unfixed: 'report', unknown: 'inconclusive' });
  t.is(policies.inside.scan.maxAge, 14 * 86_400);
  t.like(policies.inside.scan.exceptions[0], { id: 'GOLDEN-0002', package: 'zlib1g', expires: '2099-12-31' });
  t.is(policies.inside.trust.required, 1);
  t.false(policies.inside.trust.allowRollback);
  t.is(policies.inside.image.maxSize, 2 ** 30);
  const first = await golden.image('churn-train-1.4.0');
  t.like(first, { name: 'churn-train', version: '1.4.0', release: 1, repository: 'ml/churn-train' });
  t.like(first.source, { kind: 'build', target: 'runtime', dockerfile: 'Dockerfile', builder: 'engine' });
  t.is((await golden.image('churn-train-1.5.0')).release, undefined);
  const score = await golden.image('churn-score');
  t.like(score.source, { kind: 'image', from: 'registry', host: 'registry.example' });
  t.deepEqual(score.smoke?.inputs['model'], { type: 'uri_folder', job: 'churn-train', output: 'model' });
});

for (const side of ['outside', 'inside'] as const) {
  test(`the digest of the ${side} policy is the same for ever`, async (t) => {
    const golden = await openGolden();
    t.is((await golden.trust(side)).policyDigest, policyDigests[side]);
  });
}

for (const [name, fact] of all) {
  test(`${name}: release.json is read`, async (t) => {
    const golden = await openGolden();
    const document = await golden.document(name);
    t.like(document, { repository: fact.repository, version: fact.version, release: fact.counter });
    t.is(document.index.digest, fact.index);
    t.is(document.registry, golden.dev.host);
  });

  test(`${name}: what crosses of the image manifest is byte for byte the same`, async (t) => {
    const golden = await openGolden();
    const { json, artifact } = await golden.carried(fact.manifest, fact.image);
    t.is(json, fact.carriedJson);
    t.is(artifact, fact.carriedManifest);
  });

  test(`${name}: verified outside, every rule allows it`, async (t) => {
    const golden = await openGolden();
    const report = await golden.verify('outside', await golden.document(name));
    t.deepEqual(
      report.rules.filter(({ verdict }) => verdict !== 'allowed'),
      [],
    );
    t.is(report.verdict, 'allowed');
    t.is(report.image?.digest, fact.image);
    t.is(report.policyDigest, policyDigests.outside);
  });
}

for (const [name, fact] of current) {
  test(`${name}: what is in the store is found by its manifest, without an engine`, async (t) => {
    const golden = await openGolden();
    const found = await golden.outside().find(await golden.image(fact.manifest));
    t.is(found.image.digest, fact.image);
    t.is(found.buildKey, fact.buildKey);
  });

  test(`${name}: sign and release again find everything done, byte for byte`, async (t) => {
    const golden = await openGolden();
    const before = await golden.state(golden.dev);
    const { outside, subject } = await subjectOf(golden, fact);
    const signed = await outside.sign(subject);
    t.true(signed.already);
    const spec = await golden.image(fact.manifest);
    // Without a number, an image that is not the newest gets the next one.
    const asked = name === 'churn-train-1.4.1' ? { ...spec, release: fact.counter } : spec;
    const released = await outside.release(asked, subject, signed);
    t.true(released.already);
    t.deepEqual(released.document, await golden.document(name));
    t.deepEqual(await golden.state(golden.dev), before);
  });

  test(`${name}: build and publish again find everything done`, async (t) => {
    const golden = await openGolden();
    const before = await golden.state(golden.dev);
    const { outside, subject } = await subjectOf(golden, fact);
    const report = await outside.build(await golden.image(fact.manifest));
    t.true(report.already);
    t.is(report.image.digest, fact.image);
    t.is(report.location, 'store');
    t.true((await outside.publish(subject)).already);
    t.deepEqual(await golden.state(golden.dev), before);
  });
}

for (const [name, fact] of built) {
  test(`${name}: a new machine takes it from the registry, for the policy vouches for its evidence`, async (t) => {
    const golden = await openGolden();
    const report = await golden.outside('new').build(await golden.image(fact.manifest));
    t.true(report.already);
    t.is(report.location, 'registry');
    t.is(report.image.digest, fact.image);
    t.is(report.buildKey, fact.buildKey);
  });

  test(`${name}: a new machine scans, signs and releases, and finds everything done`, async (t) => {
    const golden = await openGolden();
    const before = await golden.state(golden.dev);
    const outside = golden.outside('new');
    const spec = await golden.image(fact.manifest);
    const { image } = await outside.build(spec);
    const subject = { repository: fact.repository, image };
    await outside.scan(subject);
    const signed = await outside.sign(subject);
    t.true(signed.already);
    // Of an older release the counter must be asked for: by itself it would be released anew, as the newest.
    const released = await outside.release({ ...spec, release: fact.counter }, subject, signed);
    t.true(released.already);
    t.deepEqual(released.document, await golden.document(name));
    t.deepEqual(await golden.state(golden.dev), before);
  });
}

test('build facts of the store are read', async (t) => {
  const golden = await openGolden();
  const { repository, image, buildKey } = goldenReleases['churn-train-1.5.0'];
  const { facts } = await golden.stored(repository, image);
  t.like(facts, {
    image,
    kind: 'engine',
    buildKey,
    source: { repository: 'https://git.example/churn', commit: 'c'.repeat(40), dirty: false },
    platform: 'linux/amd64',
    target: 'runtime',
    builder: { name: 'golden test engine', version: '1' },
    identity: 'https://ci.example/run/7',
  });
  const score = goldenReleases['churn-score-1.0.0'];
  const taken = await golden.stored(score.repository, score.image);
  t.is(taken.facts?.kind, 'source-image');
  t.regex(taken.facts?.bases[0]?.name ?? '', /^registry\.example\/mirror\/churn-score@sha256:/);
});

/** GOLDEN-0001 is low, GOLDEN-0002 high and excepted inside, GOLDEN-0003 high. */
const findings: readonly (readonly [GoldenName, readonly string[]])[] = [
  ['churn-train-1.4.0', ['GOLDEN-0001 low', 'GOLDEN-0002 high']],
  ['churn-train-1.4.1', ['GOLDEN-0001 low', 'GOLDEN-0002 high', 'GOLDEN-0003 high']],
  ['churn-train-1.5.0', ['GOLDEN-0001 low', 'GOLDEN-0002 high']],
  ['churn-score-1.0.0', ['GOLDEN-0001 low', 'GOLDEN-0002 high']],
];
const told = (found: readonly { readonly id: string; readonly severity: string }[]): string[] =>
  found.map(({ id, severity }) => `${id} ${severity}`).sort();

for (const [name, expected] of findings) {
  const fact = goldenReleases[name];

  test(`${name}: the scan result of the store is read`, async (t) => {
    const golden = await openGolden();
    const { scan } = await golden.stored(fact.repository, fact.image);
    t.deepEqual(told(scan?.findings ?? []), expected);
    t.deepEqual(scan?.coverage.gaps, []);
  });

  test(`${name}: scanned again over the golden cache, the answer is the same, whether the cache is believed or not`, async (t) => {
    const golden = await openGolden();
    const { outside, subject } = await subjectOf(golden, fact);
    const [platform, ...more] = (await outside.scan(subject)).platforms;
    t.deepEqual(more, []);
    t.deepEqual(told(platform?.report.findings ?? []), expected);
    t.deepEqual(platform?.report.coverage.gaps, []);
    t.is(platform?.decision.verdict, 'allowed');
  });
}

test('prune takes nothing from the store that a step needs', async (t) => {
  const golden = await openGolden();
  await golden.prune();
  for (const [, { manifest, repository, image }] of current) {
    t.is((await golden.outside().find(await golden.image(manifest))).image.digest, image);
    const { facts, scan } = await golden.stored(repository, image);
    t.is(facts?.image, image);
    t.is(scan?.image, image);
  }
});

async function subjectOf(
  golden: Golden,
  fact: GoldenRelease,
): Promise<{ outside: ReturnType<Golden['outside']>; subject: OutsideImage }> {
  const outside = golden.outside();
  return { outside, subject: await outside.find(await golden.image(fact.manifest)) };
}
