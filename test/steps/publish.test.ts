import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { publish } from '../../src/steps/publish.ts';
import type { PublishReport } from '../../src/steps/publish.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import { pushImage } from '../support/signed-release.ts';

const repository = 'ml/churn-train';
const buildKey = `${'ab'.repeat(6)}${'0'.repeat(52)}`;
const buildTag = `build-${'ab'.repeat(6)}`;

async function setUp() {
  const store = memoryRegistry('store');
  const registry = memoryRegistry('contosodev.azurecr.io');
  const image = await pushImage(store.repository(repository));
  const events: ProgressEvent[] = [];
  const run = async (
    changes: {
      readonly buildKey?: string;
      readonly image?: typeof image;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<PublishReport> => {
    const { signal, ...input } = changes;
    return publish(
      { repository, image, ...input },
      { store, registry, clock: manualClock(), progress: (event) => void events.push(event), signal },
    );
  };
  const target = registry.repository(repository);
  const pushes = (): number => registry.calls.filter((call) => call.startsWith('push')).length;
  return { store, registry, target, image, events, run, pushes };
}

test('store → registry, by digest; again nothing is moved', async (t) => {
  const { target, image, events, run, pushes } = await setUp();
  const first = await run();
  t.false(first.already);
  t.true(first.bytes > 0);
  t.is(first.reference, `contosodev.azurecr.io/${repository}@${image.digest}`);
  t.truthy(await target.manifest(image.digest));
  t.deepEqual(await target.tags(), []);
  const effects = events.filter(({ type }) => type === 'effect').length;
  t.is(effects, pushes());
  t.deepEqual(await run(), { ...first, already: true, bytes: 0 });
  t.is(pushes(), effects);
});

test('with a build key the image is found again by its tag', async (t) => {
  const { target, image, run } = await setUp();
  t.false((await run()).already);
  const tagged = await run({ buildKey });
  t.false(tagged.already);
  t.is((await target.resolve(buildTag))?.digest, image.digest);
  t.true((await run({ buildKey })).already);
});

test('a build tag follows a rebuild', async (t) => {
  const { store, target, run } = await setUp();
  await run({ buildKey });
  const rebuilt = await pushImage(store.repository(repository), 'rebuilt');
  await run({ buildKey, image: rebuilt });
  t.is((await target.resolve(buildTag))?.digest, rebuilt.digest);
});

test('an image that only the registry has is published, under the build tag if there is one', async (t) => {
  const { store, target, image, run } = await setUp();
  await run();
  store.drop(image.digest);
  t.true((await run()).already);
  await run({ buildKey });
  t.is((await target.resolve(buildTag))?.digest, image.digest);
});

test('what is nowhere was not built', async (t) => {
  const { store, image, run } = await setUp();
  store.drop(image.digest);
  const error = await t.throwsAsync(run(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.nextSteps.join(' '), /amlpromote build/);
});

test('threat 42: a damaged blob of the store is not published', async (t) => {
  const { store, target, image, run } = await setUp();
  const content = await store.repository(repository).manifest(image.digest);
  const { layers } = JSON.parse(Buffer.from(content!.bytes).toString()) as {
    layers: readonly { digest: typeof image.digest; size: number }[];
  };
  store.corrupt(layers[0]!.digest, Buffer.alloc(layers[0]!.size));
  const error = await t.throwsAsync(run({ buildKey }), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INTEGRITY_MISMATCH');
  t.is(await target.resolve(image.digest), undefined);
  t.is(await target.resolve(buildTag), undefined);
});

test('a registry that cannot be reached is not an empty one', async (t) => {
  const { registry, run, pushes } = await setUp();
  registry.fail(1, new AmlpromoteError('UNREACHABLE', 'reset'), 'resolve');
  const error = await t.throwsAsync(run(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'UNREACHABLE');
  t.is(pushes(), 0);
  t.false((await run()).already);
});

test('Ctrl-C ends it, and the next run goes on', async (t) => {
  const { run } = await setUp();
  const error = await t.throwsAsync(run({ signal: AbortSignal.abort() }), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INTERRUPTED');
  t.false((await run()).already);
});
