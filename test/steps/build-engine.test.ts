import { randomUUID } from 'node:crypto';
import { finished } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { imageArchive } from '../../scripts/image-archive.ts';
import { openDocker } from '../../src/adapters/docker/engine.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { openStore } from '../../src/oci/store/store.ts';
import { readBlob } from '../../src/oci/verified.ts';
import type { BuildSource } from '../../src/manifest/image.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { BuildReport } from '../../src/steps/build.ts';
import { build } from '../../src/steps/build.ts';
import { readBuildFacts } from '../../src/steps/build/facts.ts';
import { engineTest, testEngine } from '../support/engine.ts';
import { manualClock } from '../support/manual-clock.ts';
import { tarOfFiles } from '../support/tar-archive.ts';
import { testSeal } from '../support/test-seal.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { engineHost } from '../support/test-engine.ts';

const docker = () => openDocker(engineHost ?? '', undefined);

/** A base of one layer, loaded into the engine under a name of its own. */
async function importBase(
  t: ExecutionContext,
  name = randomUUID(),
  config: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const client = await docker();
  const reference = `amlpromote.test/${name}:1`;
  const archive = await imageArchive({
    name: reference,
    layer: { bytes: tarOfFiles({ 'etc/name': randomUUID() }) },
    config,
    created: '2026-01-01T00:00:00Z',
  });
  const stream = await client.loadImage(archive);
  await finished(stream.resume());
  const { Id: id } = await client.getImage(reference).inspect();
  t.teardown(async () => {
    for (const each of [reference, id])
      await client
        .getImage(each)
        .remove({ force: true })
        .catch(() => undefined);
  });
  return reference;
}

async function buildWith(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  options: { readonly source?: Partial<BuildSource>; readonly engine?: (real: Engine) => Engine } = {},
) {
  const context = Object.fromEntries(Object.entries(files).map(([name, text]) => [`c/${name}`, text]));
  const directory = await temporaryDirectory(t, context);
  const real = await testEngine();
  const chosen = options.engine?.(real) ?? real;
  const engine: Engine = {
    ...chosen,
    build: async (request) => {
      const image = await chosen.build(request);
      t.teardown(async () => {
        await (
          await docker()
        )
          .getImage(image.id)
          .remove()
          .catch(() => undefined);
      });
      return image;
    },
  };
  const store = await openStore(`${directory}/store`);
  const notes: string[] = [];
  const work = (): Promise<BuildReport> =>
    build(
      {
        spec: {
          file: `${directory}/x.yaml`,
          apiVersion: 'amlpromote/v1',
          kind: 'Image',
          name: 'x',
          version: '1',
          repository: 'ml/x',
          source: {
            kind: 'build',
            context: `${directory}/c`,
            dockerfile: 'Dockerfile',
            args: {},
            platform: { os: 'linux', architecture: 'amd64' },
            builder: 'engine',
            ...options.source,
          },
          environment: { tags: {}, uses: [] },
        },
      },
      {
        engine: async () => engine,
        store,
        seal: testSeal(),
        clock: manualClock(),
        progress: (event) => {
          if (event.type === 'note') notes.push(event.message);
        },
        identity: 'test',
      },
    );
  return { work, store, notes };
}

for (const [builder, flag] of [
  ['the builder that the engine prefers', ''],
  ['BuildKit', '--chmod=644 '],
] as const) {
  engineTest(`${builder}: an image is proven to begin with the layers of its base`, async (t) => {
    const base = await importBase(t);
    const files = { Dockerfile: `FROM ${base}\nCOPY ${flag}Dockerfile /d\n`, salt: randomUUID() };
    const { work, store } = await buildWith(t, files);
    const { image } = await work();
    const [recorded] = (await readBuildFacts(store, 'ml/x', image.digest, testSeal()))?.bases ?? [];
    t.like(recorded, { name: base, role: 'root' });
    t.deepEqual(recorded?.layers, (await (await testEngine()).inspect(base))?.diffIds);
    t.is(recorded?.layers?.length, 1);
  });

  engineTest(`${builder}: a FROM that only the engine sees is found out by content`, async (t) => {
    const [good, evil] = [await importBase(t), await importBase(t)];
    const { work } = await buildWith(
      t,
      {
        Dockerfile: `FROM ${good}\nCOPY ${flag}salt /s\n`,
        Hidden: `FROM ${good} AS good\nFROM ${evil}\nCOPY ${flag}salt /s\n`,
        salt: randomUUID(),
      },
      // As if one reader took the second FROM for text, and the other for an instruction.
      {
        engine: (real) => ({
          ...real,
          build: (request) => real.build({ ...request, dockerfile: 'Hidden', labels: {} }),
        }),
      },
    );
    const error = await t.throwsAsync(work(), { code: 'BUILD_FAILED' });
    t.true(error.message.includes(good), error.message);
  });

  engineTest(`${builder}: a base whose tag is moved during the build`, async (t) => {
    const name = randomUUID();
    const base = await importBase(t, name);
    const { work } = await buildWith(
      t,
      { Dockerfile: `FROM ${base}\nCOPY ${flag}salt /s\n`, salt: randomUUID() },
      {
        engine: (real) => ({
          ...real,
          build: async (request) => {
            await importBase(t, name);
            return real.build(request);
          },
        }),
      },
    );
    const error = await t.throwsAsync(work(), { code: 'INCONCLUSIVE' });
    t.true(error.message.includes(base), error.message);
  });
}

const tricks: readonly (readonly [string, (good: string, evil: string) => string])[] = [
  [
    'what looks like a here-document',
    (good, evil) => `FROM ${good}\nCOPY ["salt", "/x <<E"]\nFROM ${evil}\nCOPY salt /s\n`,
  ],
  [
    'what looks like a continued line',
    (good, evil) => `FROM ${good}\nLABEL a=b\\\\\nFROM ${evil}\nCOPY salt /s\n`,
  ],
];
for (const [what, dockerfile] of tricks) {
  engineTest(`no trick makes the record name another base than the image has: ${what}`, async (t) => {
    const [good, evil] = [await importBase(t), await importBase(t)];
    const files = { Dockerfile: dockerfile(good, evil), salt: randomUUID() };
    const { work, store } = await buildWith(t, files);
    const report = await work().catch((error: unknown) => error);
    if (report instanceof Error) {
      t.true(
        report instanceof AmlpromoteError && ['BUILD_FAILED', 'MANIFEST_INVALID'].includes(report.code),
        report.message,
      );
      t.log(report.message.split('\n')[0]);
      return;
    }
    const { image } = report as BuildReport;
    const root = (await readBuildFacts(store, 'ml/x', image.digest, testSeal()))?.bases.find(
      ({ role }) => role === 'root',
    );
    const real = await testEngine();
    const layers = (await real.inspect(root?.name ?? ''))?.diffIds;
    t.deepEqual<unknown, unknown>(root?.layers, layers);
    t.log(root?.name === evil ? 'built on the second, and said so' : 'built on the first');
  });
}

engineTest('ONBUILD of a base is seen, and refused where it brings another image', async (t) => {
  const base = await importBase(t, randomUUID(), { OnBuild: ['COPY --from=evil /x /x'] });
  const { work } = await buildWith(t, { Dockerfile: `FROM ${base}\nCOPY Dockerfile /d\n` });
  const error = await t.throwsAsync(work(), { code: 'UNSUPPORTED' });
  t.true(error.message.includes('COPY --from=evil /x /x'), error.message);
});

engineTest('a value that stands in the image is told, a proxy that nobody declares does not', async (t) => {
  const value = randomUUID();
  const files = { Dockerfile: 'FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY salt /s\n', salt: randomUUID() };
  const proxy = `http://user:${randomUUID()}@proxy.test`;
  const args = { WHO: value, HTTP_PROXY: proxy, https_proxy: proxy };
  const { work, store, notes } = await buildWith(t, files, { source: { args } });
  const { image, buildKey } = await work();
  t.deepEqual(
    notes.filter((note) => note.includes('build argument')).map((note) => /argument (\w+)/.exec(note)?.[1]),
    ['WHO'],
  );
  const repository = store.repository('ml/x');
  const content = await repository.manifest(image.digest);
  if (!content) return t.fail();
  const config = Buffer.from(await readBlob(repository, parseManifest(content).config, 1e6)).toString();
  t.true(config.includes(value));
  t.false(config.includes('proxy.test'));
  const plain = await buildWith(t, files, { source: { args: { WHO: value } } });
  t.is((await plain.work()).buildKey, buildKey);
});

for (const dockerfile of ['FROM scratch\n', 'FROM scratch\nLABEL a=b\n']) {
  engineTest(`an image without layers is told as such: ${JSON.stringify(dockerfile)}`, async (t) => {
    const { work } = await buildWith(t, { Dockerfile: `${dockerfile}LABEL salt=${randomUUID()}\n` });
    await t.throwsAsync(work(), { code: 'MANIFEST_INVALID', message: /no layers/ });
  });
}
