import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { shortHex } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { annotations, mediaTypes } from '../../src/domain/media-types.ts';
import { tags } from '../../src/domain/names.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import { copyContent } from '../../src/oci/copy.ts';
import { encodeManifest, parseManifest } from '../../src/oci/manifest.ts';
import type { Store } from '../../src/oci/store/store.ts';
import { openStore } from '../../src/oci/store/store.ts';
import type { BuildPorts } from '../../src/steps/build.ts';
import { build, findBuilt } from '../../src/steps/build.ts';
import { readBuildFacts, writeBuildFacts } from '../../src/steps/build/facts.ts';
import { archiveEngine } from '../support/archive-engine.ts';
import { engineTest, testEngine } from '../support/engine.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { testSeal } from '../support/test-seal.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const platform = { os: 'linux', architecture: 'amd64' };

const dockerfile = 'ARG BASE=debian:12\nFROM ${BASE}\nCOPY train.py /app/\n';

function specOf(directory: string, source?: ImageSpec['source']): ImageSpec {
  return {
    file: path.join(directory, 'churn.yaml'),
    apiVersion: 'amlpromote/v1',
    kind: 'Image',
    name: 'churn',
    version: '1.4.0',
    repository: 'ml/churn',
    source: source ?? {
      kind: 'build',
      context: path.join(directory, 'context'),
      dockerfile: 'Dockerfile',
      args: {},
      platform,
      builder: 'engine',
    },
    environment: { tags: {}, uses: [] },
  };
}

interface World {
  readonly spec: ImageSpec;
  readonly store: Store;
  readonly engine: ReturnType<typeof archiveEngine>;
  readonly events: ProgressEvent[];
  readonly ports: BuildPorts;
}

async function world(t: ExecutionContext, changes: Partial<BuildPorts> = {}): Promise<World> {
  const directory = await temporaryDirectory(t, {
    'context/Dockerfile': dockerfile,
    'context/train.py': 'print(1)',
  });
  const store = await openStore(path.join(directory, 'store'));
  const engine = archiveEngine();
  const events: ProgressEvent[] = [];
  const ports: BuildPorts = {
    engine: async () => engine,
    store,
    seal: testSeal(),
    clock: manualClock(),
    progress: (event) => events.push(event),
    identity: 'me@here',
    sourceDateEpoch: 1_700_000_000,
    ...changes,
  };
  return { spec: specOf(directory), store, engine, events, ports };
}

const effects = (events: readonly ProgressEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'effect' ? event.effect : []));

test('builds into the store: image, facts, build tag and version tag, in that order', async (t) => {
  const { spec, store, events, ports } = await world(t, {
    git: async () => ({ commit: 'c'.repeat(40), dirty: false }),
  });
  const report = await build({ spec }, ports);
  t.like(report, {
    repository: 'ml/churn',
    platform: 'linux/amd64',
    location: 'store',
    already: false,
    layers: 2,
  });
  const repository = store.repository('ml/churn');
  const key = report.buildKey ?? '';
  t.deepEqual(await repository.tags(), [
    '1.4.0',
    tags.build(key.slice(0, 12)),
    tags.facts(shortHex(report.image.digest)),
  ]);
  const content = await repository.manifest('1.4.0');
  t.like(content && parseManifest(content).annotations, {
    [annotations.buildKey]: key,
    [annotations.created]: '2023-11-14T22:13:20Z',
    [annotations.baseName]: 'debian:12',
  });
  t.deepEqual(effects(events).slice(-4), ['manifest', 'facts', 'tag', 'tag']);
  t.like(await readBuildFacts(store, 'ml/churn', report.image.digest, testSeal()), {
    image: report.image.digest,
    kind: 'engine',
    buildKey: key,
    source: { commit: 'c'.repeat(40), dirty: false },
    bases: [{ name: 'debian:12' }],
    builder: { name: 'archive engine', version: '1' },
    identity: 'me@here',
    platform: 'linux/amd64',
  });
});

test('the same again is done already; --rebuild builds; the image has the same digest', async (t) => {
  const { spec, engine, ports } = await world(t);
  const first = await build({ spec }, ports);
  const second = await build({ spec }, ports);
  t.true(second.already);
  t.deepEqual(second.image.digest, first.image.digest);
  t.is(engine.builds, 1);
  t.is((await findBuilt(spec, ports))?.image.digest, first.image.digest);
  const third = await build({ spec, rebuild: true }, ports);
  t.false(third.already);
  t.is(third.image.digest, first.image.digest);
  t.is(engine.builds, 2);
});

for (const [what, change] of [
  ['an argument', (spec: ImageSpec) => ({ ...spec, source: { ...spec.source, args: { A: 'b' } } })],
  ['the base', (spec: ImageSpec) => ({ ...spec, source: { ...spec.source, args: { BASE: 'debian:13' } } })],
  ['the target', (spec: ImageSpec) => ({ ...spec, source: { ...spec.source, target: '0' } })],
  [
    'the platform',
    (spec: ImageSpec) => ({ ...spec, source: { ...spec.source, platform: { ...platform, variant: 'v2' } } }),
  ],
] as const) {
  test(`the build key changes with ${what}`, async (t) => {
    const { spec, ports } = await world(t);
    const before = await build({ spec }, ports);
    const changed = change(spec) as ImageSpec;
    t.is(await findBuilt(changed, ports), undefined);
    t.not((await build({ spec: changed }, ports)).buildKey, before.buildKey);
  });
}

test('a base that is pinned by digest needs no engine to find the build', async (t) => {
  const { spec, ports } = await world(t);
  const pinned = {
    ...spec,
    source: { ...spec.source, args: { BASE: `debian@sha256:${'a'.repeat(64)}` } },
  } as ImageSpec;
  const report = await build({ spec: pinned }, ports);
  const content = await ports.store.repository('ml/churn').manifest(report.image.digest);
  t.is(content && parseManifest(content).annotations?.[annotations.baseDigest], `sha256:${'a'.repeat(64)}`);
  const offline = { ...ports, engine: async () => Promise.reject(new Error('no engine')) };
  t.is((await findBuilt(pinned, offline))?.image.digest, report.image.digest);
});

test('what the registry has under the build key need not be built, and says that somebody else built it', async (t) => {
  const published = memoryRegistry('dev.test');
  const there = await world(t);
  const first = await build({ spec: there.spec }, there.ports);
  const tag = tags.build((first.buildKey ?? '').slice(0, 12));
  await copyContent({
    from: there.store.repository('ml/churn'),
    to: published.repository('ml/churn'),
    root: first.image,
    tag,
  });
  const here = await world(t, { published, vouch: async () => true });
  const report = await build({ spec: here.spec }, here.ports);
  t.like(report, { location: 'registry', already: true, buildKey: first.buildKey });
  t.is(report.image.digest, first.image.digest);
  t.is(here.engine.builds, 0);
  t.true(
    (await readBuildFacts(here.store, 'ml/churn', report.image.digest, testSeal()))?.builder.name.startsWith(
      'unknown',
    ),
  );

  const doubting = await world(t, { published, vouch: async () => false });
  t.false((await build({ spec: doubting.spec }, doubting.ports)).already);
});

test('a manifest under the build tag without the whole key is not taken', async (t) => {
  const published = memoryRegistry('dev.test');
  const probe = await world(t);
  const { buildKey = '', image } = await build({ spec: probe.spec }, probe.ports);
  const content = await probe.store.repository('ml/churn').manifest(image.digest);
  if (!content) return t.fail();
  const other = encodeManifest({
    ...parseManifest(content),
    annotations: { [annotations.buildKey]: `${buildKey.slice(0, 12)}0` },
  });
  published.putManifest('ml/churn', other, tags.build(buildKey.slice(0, 12)));
  const { spec, ports } = await world(t, { published });
  t.is((await build({ spec }, ports)).location, 'store');
});

test('a registry that cannot be asked, or holds junk, stops no build', async (t) => {
  const broken = memoryRegistry('dev.test');
  broken.fail(1000, new AmlpromoteError('UNREACHABLE', 'dev.test does not answer'));
  const { spec, ports, events } = await world(t, { published: broken });
  t.false((await build({ spec }, ports)).already);
  t.true(events.some((event) => event.type === 'note' && event.message.includes('dev.test')));
});

test('threat 39: killed after any effect, the next run goes on and ends with the same digest', async (t) => {
  const whole = await world(t);
  const expected = await build({ spec: whole.spec }, whole.ports);
  const count = effects(whole.events).length;
  t.true(count >= 6);
  for (let kill = 1; kill <= count; kill += 1) {
    const { spec, ports, store } = await world(t);
    let seen = 0;
    const mortal: BuildPorts = {
      ...ports,
      progress: (event) => {
        if (event.type === 'effect' && ++seen === kill) throw new Error('killed');
      },
    };
    await t.throwsAsync(build({ spec }, mortal), { message: 'killed' });
    const report = await build({ spec }, ports);
    t.is(report.image.digest, expected.image.digest, `killed after effect ${String(kill)}`);
    t.truthy(await readBuildFacts(store, 'ml/churn', report.image.digest, testSeal()));
    t.is((await store.repository('ml/churn').resolve('1.4.0'))?.digest, report.image.digest);
  }
});

test('threat 42: a layer that is gone from the store is made again', async (t) => {
  const { spec, ports, store, engine } = await world(t);
  const first = await build({ spec }, ports);
  const blobs = path.join(store.directory, 'blobs/sha256');
  const content = await store.repository('ml/churn').manifest(first.image.digest);
  const [layer] = content ? parseManifest(content).layers : [];
  rmSync(path.join(blobs, layer?.digest.slice(7) ?? ''));
  const second = await build({ spec }, ports);
  t.false(second.already);
  t.is(engine.builds, 2);
  t.is(second.image.digest, first.image.digest);
  t.true(readdirSync(blobs).includes(layer?.digest.slice(7) ?? 'none'));
});

test('facts of another version of the tool, or of another image, are none', async (t) => {
  const { spec, ports, store } = await world(t);
  const { image } = await build({ spec }, ports);
  const repository = store.repository('ml/churn');
  t.is(await readBuildFacts(store, 'ml/other', image.digest, testSeal()), undefined);
  const facts = await repository.manifest(tags.facts(shortHex(image.digest)));
  t.is(facts?.descriptor.artifactType, mediaTypes.buildFacts);
  const stranger = `${image.digest.slice(0, 19)}${'0'.repeat(52)}` as typeof image.digest;
  t.is(await readBuildFacts(store, 'ml/churn', stranger, testSeal()), undefined);
});

test('an image under the build tag that this machine did not build is built again', async (t) => {
  const { spec, ports, store, engine, events } = await world(t);
  const honest = await build({ spec }, ports);
  const repository = store.repository('ml/churn');
  const content = await repository.manifest(honest.image.digest);
  if (!content) return t.fail();
  const { buildKey = '' } = honest;
  const tag = tags.build(buildKey.slice(0, 12));
  const evil = encodeManifest({
    ...parseManifest(content),
    annotations: { [annotations.buildKey]: buildKey, evil: 'yes' },
  });
  const facts = await readBuildFacts(store, 'ml/churn', honest.image.digest, testSeal());
  if (!facts) return t.fail();
  const forged = { ...facts, image: evil.descriptor.digest };
  for (const forge of [
    async () => undefined,
    async () => writeBuildFacts(repository, evil.descriptor, forged, testSeal('another machine')),
    // Facts of this machine, about a build of another key.
    async () =>
      writeBuildFacts(repository, evil.descriptor, { ...forged, buildKey: 'f'.repeat(64) }, testSeal()),
  ]) {
    await repository.pushManifest(evil, tag);
    await forge();
    const builds = engine.builds;
    t.is(await findBuilt(spec, ports), undefined);
    const again = await build({ spec }, ports);
    t.false(again.already);
    t.is(again.image.digest, honest.image.digest);
    t.is(engine.builds, builds + 1);
  }
  t.true(
    events.some((event) => event.type === 'note' && event.message.includes('was not built on this machine')),
  );
});

test('a kept store on a machine without its key: built again, and known from then on', async (t) => {
  const { spec, ports, engine } = await world(t);
  const first = await build({ spec }, ports);
  const elsewhere = { ...ports, seal: testSeal('fresh runner') };
  t.false((await build({ spec }, elsewhere)).already);
  t.true((await build({ spec }, elsewhere)).already);
  t.is(engine.builds, 2);
  t.is((await findBuilt(spec, elsewhere))?.image.digest, first.image.digest);
});

test('an existing image is taken over from a layout by digest', async (t) => {
  const { spec, ports, store } = await world(t);
  const directory = await temporaryDirectory(t);
  const layout = writeLayout(directory, [{ a: '1' }, { b: '2' }]);
  const existing = specOf(path.dirname(spec.file), {
    kind: 'image',
    from: 'layout',
    layout: directory,
    digest: layout.digest,
  });
  t.is(await findBuilt(existing, ports), undefined);
  const report = await build({ spec: existing }, ports);
  t.like(report, { location: 'store', already: false, layers: 2 });
  t.is(report.image.digest, layout.digest);
  t.is(report.buildKey, undefined);
  t.is((await findBuilt(existing, ports))?.image.digest, layout.digest);
  t.true((await build({ spec: existing }, ports)).already);
  t.like(await readBuildFacts(store, 'ml/churn', layout.digest, testSeal()), {
    kind: 'source-image',
    bases: [{ name: `oci:${directory}@${layout.digest}`, digest: layout.digest }],
  });
});

test('of an existing index, the image of the platform is taken', async (t) => {
  const { spec, ports } = await world(t);
  const vendor = memoryRegistry('vendor.test');
  const image = (architecture: string) => {
    const config = vendor.putBlob('v/base', `{"architecture":"${architecture}"}`, mediaTypes.ociConfig);
    const content = encodeManifest({ mediaType: mediaTypes.ociManifest, config, layers: [] });
    return { ...vendor.putManifest('v/base', content), platform: { os: 'linux', architecture } };
  };
  const [arm, amd] = [image('arm64'), image('amd64')];
  const index = vendor.putManifest(
    'v/base',
    encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [arm, amd] }),
  );
  const armOnly = vendor.putManifest(
    'v/base',
    encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [arm] }),
  );
  const from = (digest: typeof index.digest): ImageSpec =>
    specOf(path.dirname(spec.file), {
      kind: 'image',
      from: 'registry',
      host: 'vendor.test',
      repository: 'v/base',
      digest,
    });
  const sources = () => vendor;
  t.is((await build({ spec: from(index.digest) }, { ...ports, sources })).image.digest, amd.digest);
  t.is((await findBuilt(from(index.digest), ports))?.image.digest, amd.digest);
  t.true((await build({ spec: from(index.digest) }, { ...ports, sources })).already);
  const error = await t.throwsAsync(build({ spec: from(armOnly.digest) }, { ...ports, sources }), {
    code: 'CONTENT_INVALID',
  });
  t.true(error.message.includes('linux/arm64'));
  await t.throwsAsync(
    build({ spec: from(`sha256:${'0'.repeat(64)}` as typeof index.digest) }, { ...ports, sources }),
    { code: 'NOT_FOUND' },
  );
  await t.throwsAsync(build({ spec: from(arm.digest) }, ports), { code: 'UNSUPPORTED' });
});

engineTest('a real build: twice the same, the second time without the engine', async (t) => {
  const directory = await temporaryDirectory(t, {
    'context/Dockerfile':
      'FROM scratch AS one\nARG WHO\nLABEL who=$WHO\nCOPY . /app/\nUSER 10001\nCMD ["/app/x"]\n',
    'context/data.txt': randomUUID(),
    'context/.dockerignore': 'ignored\n',
    'context/ignored': 'x',
  });
  const engine = await testEngine();
  const store = await openStore(path.join(directory, 'store'));
  const spec = specOf(directory, {
    kind: 'build',
    context: path.join(directory, 'context'),
    dockerfile: 'Dockerfile',
    args: { WHO: 'me' },
    platform,
    builder: 'engine',
  });
  const logs: string[] = [];
  const ports: BuildPorts = {
    engine: async () => engine,
    store,
    seal: testSeal(),
    clock: manualClock(),
    progress: (event) => {
      if (event.type === 'log') logs.push(event.line);
    },
    identity: 'test',
  };
  const first = await build({ spec }, ports);
  t.false(first.already);
  t.true(logs.some((line) => line.includes('COPY')));
  const offline: BuildPorts = { ...ports, engine: async () => Promise.reject(new Error('not needed')) };
  const second = await build({ spec }, offline);
  t.true(second.already);
  t.is(second.image.digest, first.image.digest);
  const content = await store.repository('ml/churn').manifest('1.4.0');
  const { config, layers } = content ? parseManifest(content) : { config: undefined, layers: [] };
  t.is(layers.length, 1);
  const chunks: Uint8Array[] = [];
  if (config)
    for await (const chunk of await store.repository('ml/churn').blob(config))
      chunks.push(chunk as Uint8Array);
  t.like(JSON.parse(Buffer.concat(chunks).toString()), {
    config: { User: '10001', Cmd: ['/app/x'], Labels: { who: 'me' } },
  });

  const other = await openStore(path.join(directory, 'other'));
  const third = await build({ spec }, { ...ports, store: other });
  t.is(third.image.digest, first.image.digest, 'another store, the same engine: the same image');
});

engineTest('a failing step of a real build', async (t) => {
  const directory = await temporaryDirectory(t, { 'context/Dockerfile': 'FROM scratch\nCOPY nothing /x\n' });
  const engine = await testEngine();
  const store = await openStore(path.join(directory, 'store'));
  const ports: BuildPorts = {
    engine: async () => engine,
    store,
    seal: testSeal(),
    clock: manualClock(),
    progress: () => undefined,
    identity: 'test',
  };
  await t.throwsAsync(build({ spec: specOf(directory) }, ports), { code: 'BUILD_FAILED' });
  t.deepEqual(await store.repositories(), []);
});
