import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { BuildFacts } from '../../src/domain/build.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { tags } from '../../src/domain/names.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { copyContent } from '../../src/oci/copy.ts';
import { openStore } from '../../src/oci/store/store.ts';
import type { Engine, EngineImage, EngineInspectOptions } from '../../src/ports/engine.ts';
import type { BuildSource, ImageSpec } from '../../src/manifest/image.ts';
import type { BuildPorts } from '../../src/steps/build.ts';
import { build } from '../../src/steps/build.ts';
import { readBuildFacts, writeBuildFacts } from '../../src/steps/build/facts.ts';
import { archiveEngine } from '../support/archive-engine.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { testSeal } from '../support/test-seal.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const pinned = `tools@sha256:${'a'.repeat(64)}` as const;

interface World {
  readonly spec: (changes?: Partial<BuildSource>) => ImageSpec;
  readonly ports: BuildPorts;
  readonly asked: { readonly name: string; readonly options: EngineInspectOptions | undefined }[];
  readonly notes: () => readonly string[];
  readonly facts: (image: { readonly digest: BuildFacts['image'] }) => Promise<BuildFacts>;
}

/** An engine whose bases are what `look` says. */
async function world(
  t: ExecutionContext,
  dockerfile: string,
  look: (image: EngineImage, name: string, engine: { readonly builds: number }) => EngineImage | undefined = (
    image,
  ) => image,
  changes: Partial<BuildPorts> = {},
): Promise<World> {
  const directory = await temporaryDirectory(t, { 'context/Dockerfile': dockerfile });
  const inner = archiveEngine();
  const asked: World['asked'] = [];
  const engine: Engine = {
    version: () => inner.version(),
    save: (id) => inner.save(id),
    build: (request) => inner.build(request),
    inspect: async (name, options) => {
      asked.push({ name, options });
      const image = await inner.inspect(name);
      return image && look(image, name, inner);
    },
  };
  const events: ProgressEvent[] = [];
  const store = await openStore(`${directory}/store`);
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
  return {
    asked,
    ports,
    notes: () => events.flatMap((event) => (event.type === 'note' ? event.message : [])),
    facts: async ({ digest }) => {
      const facts = await readBuildFacts(store, 'ml/churn', digest, testSeal());
      if (!facts) throw new Error('no facts');
      return facts;
    },
    spec: (source = {}) => ({
      file: `${directory}/churn.yaml`,
      apiVersion: 'amlpromote/v1',
      kind: 'Image',
      name: 'churn',
      version: '1.4.0',
      repository: 'ml/churn',
      source: {
        kind: 'build',
        context: `${directory}/context`,
        dockerfile: 'Dockerfile',
        args: {},
        platform: { os: 'linux', architecture: 'amd64' },
        builder: 'engine',
        ...source,
      },
      environment: { tags: {}, uses: [] },
    }),
  };
}

const everything = `# syntax=docker/dockerfile:1
FROM helper:1 AS helper
FROM debian:12
COPY --from=helper /a /a
RUN --mount=type=bind,from=${pinned},target=/t true
`;

test('the facts tell the role of each base, and the layers of the one that the image stands on', async (t) => {
  const { spec, ports, facts } = await world(t, everything);
  const { image } = await build({ spec: spec() }, ports);
  const { bases } = await facts(image);
  t.deepEqual(
    bases.map(({ name, role }) => [name, role]),
    [
      ['debian:12', 'root'],
      ['helper:1', 'copy'],
      [pinned, 'copy'],
      ['docker/dockerfile:1', 'frontend'],
    ],
  );
  t.is(bases[0]?.layers?.length, 1);
  t.true(bases.slice(1).every(({ layers }) => layers === undefined));
});

test('from scratch is recorded as such', async (t) => {
  const { spec, ports, facts } = await world(t, 'FROM scratch\nCOPY Dockerfile /\n');
  const { image } = await build({ spec: spec() }, ports);
  t.deepEqual((await facts(image)).bases, [{ name: 'scratch', role: 'root', layers: [] }]);
});

test('an image that does not begin with the layers of its base is no build', async (t) => {
  const { spec, ports } = await world(t, 'FROM debian:12\n', (image) => ({
    ...image,
    diffIds: [sha256('of another')],
  }));
  const error = await t.throwsAsync(build({ spec: spec() }, ports), { code: 'BUILD_FAILED' });
  t.true(error.message.includes('debian:12'));
  t.deepEqual(await ports.store.repository('ml/churn').tags(), []);
});

for (const moved of ['debian:12', 'helper:1']) {
  test(`a tag that is moved during the build leaves open what was used: ${moved}`, async (t) => {
    const { spec, ports } = await world(t, everything, (image, name, engine) =>
      name === moved && engine.builds > 0 ? { ...image, id: sha256('moved') } : image,
    );
    const error = await t.throwsAsync(build({ spec: spec() }, ports), { code: 'INCONCLUSIVE' });
    t.true(error.message.includes(moved));
  });
}

test('an engine that does not tell layers builds, and the facts say that nothing is proven', async (t) => {
  const { spec, ports, facts, notes } = await world(t, 'FROM debian:12\n', (image) => ({
    ...image,
    diffIds: [],
  }));
  const { image } = await build({ spec: spec() }, ports);
  const [base] = (await facts(image)).bases;
  t.is(base?.role, 'root');
  t.is(base?.layers, undefined);
  t.true(notes().some((note) => note.includes('allowedBases')));
});

test('a base that is named by digest is looked up for a build, by platform, and proven', async (t) => {
  const { spec, ports, facts, asked } = await world(t, `FROM ${pinned}\n`);
  const { image } = await build({ spec: spec() }, ports);
  t.like(asked[0], { name: pinned, options: { pull: true, exactPlatform: true } });
  t.like((await facts(image)).bases[0], { role: 'root', digest: pinned.slice(6), layers: { length: 1 } });
  const wrong = await world(t, `FROM ${pinned}\n`, (one) => ({ ...one, diffIds: [sha256('x')] }));
  await t.throwsAsync(build({ spec: wrong.spec() }, wrong.ports), { code: 'BUILD_FAILED' });
});

for (const [what, base] of [
  ['by tag', 'debian:12'],
  ['by digest', pinned],
] as const) {
  test(`a base ${what} whose ONBUILD brings another image is refused before a step runs`, async (t) => {
    let builds = 0;
    const { spec, ports } = await world(
      t,
      `FROM ${base} AS x\nFROM other:1\nCOPY --from=x /a /a\n`,
      (image, name, engine) => {
        builds = engine.builds;
        return name === base ? { ...image, onBuild: ['COPY --from=evil:1 /x /x'] } : image;
      },
    );
    const error = await t.throwsAsync(build({ spec: spec() }, ports), { code: 'UNSUPPORTED' });
    t.true(error.message.includes(base));
    t.is(builds, 0);
  });
}

test('what an image that is only copied from has under ONBUILD is never run, and no reason to refuse', async (t) => {
  const { spec, ports } = await world(t, 'FROM debian:12\nCOPY --from=tools:1 /a /a\n', (image, name) =>
    name === 'tools:1' ? { ...image, onBuild: ['COPY --from=evil:1 /x /x'] } : image,
  );
  await t.notThrowsAsync(build({ spec: spec() }, ports));
});

test('a secret that the engine cannot give is refused before it is asked for anything', async (t) => {
  const { spec, ports, asked } = await world(
    t,
    'FROM debian:12\nRUN --mount=type=secret,id=pip pip install x\n',
  );
  const error = await t.throwsAsync(build({ spec: spec() }, ports), { code: 'UNSUPPORTED' });
  t.is(error instanceof Error && 'exitCode' in error ? error.exitCode : 0, 2);
  t.regex(error.message, /Dockerfile, line 2: /);
  t.deepEqual(asked, []);
});

const args = { B: 'hunter2-secret', A: 'open', HTTP_PROXY: 'http://user:pw@proxy' };

test('of build arguments the facts have all names, and values of public ones only', async (t) => {
  const { spec, ports, facts } = await world(t, 'FROM debian:12\nARG A\nARG B\n');
  const { image } = await build({ spec: spec({ args, publicArgs: ['A'] }) }, ports);
  const recorded = await facts(image);
  t.deepEqual(recorded.argNames, ['A', 'B']);
  t.deepEqual(recorded.args, { A: 'open' });
  const text = JSON.stringify(recorded);
  t.false(
    text.includes('hunter2') || text.includes(sha256('hunter2-secret').slice(7)) || text.includes('proxy'),
  );
});

test('calling an argument public later, or no more, changes the facts and not the image', async (t) => {
  const { spec, ports, facts } = await world(t, 'FROM debian:12\nARG A\n');
  const first = await build({ spec: spec({ args }) }, ports);
  const before = await facts(first.image);
  t.deepEqual(before.args, {});
  const second = await build({ spec: spec({ args, publicArgs: ['A'] }) }, ports);
  t.true(second.already);
  t.is(second.buildKey, first.buildKey);
  t.deepEqual(await facts(second.image), { ...before, args: { A: 'open' } });
  await build({ spec: spec({ args }) }, ports);
  t.deepEqual(await facts(first.image), before);
});

for (const [what, dockerfile, same] of [
  ['is not declared', 'FROM debian:12\n', true],
  ['is declared', 'FROM debian:12\nARG HTTP_PROXY\n', false],
] as const) {
  test(`a predefined proxy argument that ${what} ${same ? 'does not change' : 'changes'} the build key`, async (t) => {
    const { spec, ports, facts } = await world(t, dockerfile);
    const plain = await build({ spec: spec() }, ports);
    const one = await build({ spec: spec({ args: { HTTP_PROXY: 'http://one' } }) }, ports);
    const two = await build({ spec: spec({ args: { HTTP_PROXY: 'http://two', no_proxy: 'x' } }) }, ports);
    t.is(one.buildKey === plain.buildKey, same);
    t.is(two.buildKey === one.buildKey, same);
    t.deepEqual((await facts(two.image)).argNames, same ? [] : ['HTTP_PROXY']);
  });
}

test('facts of version 0.1.0 stay as they are, until a build is made or a value called public', async (t) => {
  const { spec, ports, facts } = await world(t, 'FROM debian:12\nARG A\n');
  const source = spec({ args });
  const { image } = await build({ spec: source }, ports);
  const { argNames, ...now } = await facts(image);
  t.truthy(argNames);
  const old: BuildFacts = { ...now, args, bases: [{ name: 'debian:12', digest: sha256('old') }] };
  const repository = ports.store.repository('ml/churn');
  await writeBuildFacts(repository, image, old, testSeal());
  t.true((await build({ spec: source }, ports)).already);
  t.deepEqual(await facts(image), old);
  await build({ spec: spec({ args, publicArgs: ['A'] }) }, ports);
  const asked = await facts(image);
  t.deepEqual(asked.args, { A: 'open' });
  t.like(asked.bases[0], { role: 'root', layers: { length: 1 } });
  await writeBuildFacts(repository, image, old, testSeal());
  await build({ spec: source, rebuild: true }, ports);
  t.deepEqual((await facts(image)).args, {});
});

const published = (t: ExecutionContext) => async (base: string) => {
  const there = await world(t, `FROM ${base}\n`);
  const registry = memoryRegistry('dev.test');
  const { image, buildKey = '' } = await build({ spec: there.spec() }, there.ports);
  await copyContent({
    from: there.ports.store.repository('ml/churn'),
    to: registry.repository('ml/churn'),
    root: image,
    tag: tags.build(buildKey.slice(0, 12)),
  });
  return { image, registry };
};

test('an image that somebody else built is proven where the engine has the base', async (t) => {
  for (const base of ['debian:12', pinned]) {
    const { image, registry } = await published(t)(base);
    const here = await world(t, `FROM ${base}\n`, (one) => one, {
      published: registry,
      vouch: async () => true,
    });
    t.like(await build({ spec: here.spec() }, here.ports), { already: true, location: 'registry' });
    t.like((await here.facts(image)).bases, { 0: { name: base, role: 'root', layers: { length: 1 } } });
  }
});

for (const [what, base, look] of [
  ['the engine does not have it', pinned, () => undefined],
  ['it has other layers', 'debian:12', (one: EngineImage) => ({ ...one, diffIds: [sha256('x')] })],
] as const) {
  test(`an image that somebody else built is taken, and its base not called proven: ${what}`, async (t) => {
    const { image, registry } = await published(t)(base);
    const here = await world(t, `FROM ${base}\n`, look, { published: registry, vouch: async () => true });
    t.true((await build({ spec: here.spec() }, here.ports)).already);
    t.deepEqual(
      (await here.facts(image)).bases.map(({ role, layers }) => ({ role, layers })),
      [{ role: 'root', layers: undefined }],
    );
    t.true(here.notes().some((note) => note.includes('--rebuild')));
  });
}
