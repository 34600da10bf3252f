import test from 'ava';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { silent } from '../../src/domain/events.ts';
import { createRegistryRoute } from '../../src/oci/registry-route.ts';
import type { ImportRequest } from '../../src/ports/importer.ts';
import { importWorld, quarantine, repository } from '../support/import-world.ts';

async function setUp() {
  const world = await importWorld();
  const { dev, sec } = world;
  const route = createRegistryRoute(dev, sec);
  const carry = async (content: Descriptor, more: Partial<ImportRequest> = {}): Promise<unknown> =>
    route.carry({
      sourceRepository: repository,
      targetRepository: quarantine,
      content,
      progress: silent,
      ...more,
    });
  return { dev, sec, carry, made: await world.release() };
}

test('carries an index with its children, byte by byte, and tells what it did', async (t) => {
  const { sec, carry, made } = await setUp();
  const { index, image, parts } = made;
  const events: ProgressEvent[] = [];
  await carry(index, { progress: (event) => void events.push(event) });
  for (const { digest } of [index, image, ...Object.values(parts)])
    t.true(sec.manifests(quarantine).includes(digest));
  t.deepEqual(await sec.repository(quarantine).tags(), []);
  t.true(events.some(({ type }) => type === 'bytes'));
  const writes = sec.calls.filter((call) => call.startsWith('push')).length;
  t.is(events.filter(({ type }) => type === 'effect').length, writes);
  await carry(index);
  t.is(sec.calls.filter((call) => call.startsWith('push')).length, writes);
});

test('a size that is not known yet is asked for: signatures are named by digest alone', async (t) => {
  const { sec, carry, made } = await setUp();
  const { document, index } = made;
  const [digest] = document.signatures;
  await carry({ mediaType: index.mediaType, digest: digest!, size: 0 });
  t.deepEqual(sec.manifests(quarantine), [digest!]);
});

test('what the source does not have is a definite no, and names the source', async (t) => {
  const { dev, sec, carry, made } = await setUp();
  const { index, parts } = made;
  for (const gone of [parts.sbom!, index]) {
    dev.drop(gone.digest);
    const error = await t.throwsAsync(carry(index), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'LISTED_CONTENT_MISSING');
    t.is(error.exitCode, 10);
    t.true(error.nextSteps.length > 0);
    t.false(sec.manifests(quarantine).includes(index.digest));
  }
});

test('an unreachable source is not a missing one', async (t) => {
  const { dev, carry, made } = await setUp();
  const { index } = made;
  dev.fail(1, new AmlpromoteError('UNREACHABLE', 'reset'), 'resolve');
  const error = await t.throwsAsync(carry(index), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'UNREACHABLE');
});

test('threat 2: a source that sends other bytes than it names: INTEGRITY_MISMATCH, nothing kept', async (t) => {
  const { dev, sec, carry, made } = await setUp();
  const { image } = made;
  const manifest = await dev.repository(repository).manifest(image.digest);
  const { layers } = JSON.parse(Buffer.from(manifest!.bytes).toString()) as {
    layers: readonly { digest: typeof image.digest; size: number }[];
  };
  dev.corrupt(layers[0]!.digest, Buffer.alloc(layers[0]!.size));
  const error = await t.throwsAsync(carry(image), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INTEGRITY_MISMATCH');
  t.deepEqual(sec.manifests(quarantine), []);
});

test('Ctrl-C ends it', async (t) => {
  const { carry, made } = await setUp();
  const { index } = made;
  const error = await t.throwsAsync(carry(index, { signal: AbortSignal.abort() }), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INTERRUPTED');
});
