import type { Readable } from 'node:stream';
import test from 'ava';
import type { Descriptor, ManifestContent } from '../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { copyContent } from '../../src/oci/copy.ts';
import { createLimiter } from '../../src/oci/copy-limiter.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { MemoryRegistry } from '../support/memory-registry.ts';
import { memoryRegistry } from '../support/memory-registry.ts';

const layer = mediaTypes.ociLayerGzip;

function putImage(
  registry: MemoryRegistry,
  repository: string,
  layers: readonly string[],
  subject?: Descriptor,
  tag?: string,
): Descriptor {
  const content = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config: registry.putBlob(repository, `{"layers":${JSON.stringify(layers)}}`, mediaTypes.ociConfig),
    layers: layers.map((text) => registry.putBlob(repository, text, layer)),
    ...(subject ? { subject } : {}),
  });
  registry.putManifest(repository, content, tag);
  return { ...content.descriptor };
}

const putIndex = (
  registry: MemoryRegistry,
  repository: string,
  manifests: readonly Descriptor[],
): Descriptor =>
  registry.putManifest(repository, encodeManifest({ mediaType: mediaTypes.ociIndex, manifests }));

const count = (registry: MemoryRegistry, operation: string): number =>
  registry.calls.filter((call) => call.startsWith(`${operation} `)).length;

const setUp = () => {
  const source = memoryRegistry('source.test');
  const target = memoryRegistry('target.test');
  return { source, target, from: source.repository('a'), to: target.repository('b') };
};

test('an image: blobs largest first, manifest last, each effect told', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putImage(source, 'a', [
    's',
    'the largest of all the layers of this one, its config included',
    'medium',
  ]);
  const effects: string[] = [];
  const done: number[] = [];
  const report = await copyContent({
    from,
    to,
    root,
    concurrency: 1,
    onEffect: (effect, subject) => effects.push(`${effect} ${subject}`),
    onBytes: (_digest, sent, total) => done.push(sent / total),
  });
  t.like(report, { copied: 5, mounted: 0, skipped: 0 });
  const pushed = target.calls.filter((call) => call.startsWith('push')).map((call) => call.split(' ')[2]);
  t.is(pushed.at(-1), root.digest);
  t.is(pushed.indexOf(sha256('s')), pushed.length - 2, 'the smallest blob is the last blob');
  t.is(effects.at(-1), `manifest b@${root.digest}`);
  t.is(effects.length, 5);
  t.deepEqual(done, [1, 1, 1, 1]);
  t.deepEqual(await to.resolve(root.digest), root);
});

test('what is there costs one request, and the source is not asked', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putIndex(source, 'a', [putImage(source, 'a', ['x'])]);
  await copyContent({ from, to, root });
  const before = [source.calls.length, target.calls.length];
  t.deepEqual(await copyContent({ from, to, root }), { copied: 0, mounted: 0, skipped: 1, bytes: 0 });
  t.deepEqual([source.calls.length, target.calls.length], [before[0], (before[1] ?? 0) + 1]);
});

test('two layers changed: only those travel', async (t) => {
  const { source, target, from, to } = setUp();
  await copyContent({ from, to, root: putImage(source, 'a', ['1', '2', '3', '4']) });
  const next = putImage(source, 'a', ['1', '2', '5', '6']);
  t.like(await copyContent({ from, to, root: next }), { copied: 4, skipped: 2 });
  t.is(count(target, 'hasBlob'), 10);
});

test('a tag is moved last; under a new tag nothing is copied again', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putImage(source, 'a', ['x']);
  await copyContent({ from, to, root });
  t.like(await copyContent({ from, to, root, tag: 'v1' }), { copied: 1 });
  t.is((await to.resolve('v1'))?.digest, root.digest);
  t.is(count(target, 'pushBlob'), 2);
});

test('an index goes after its children; a digest that is listed often is copied once', async (t) => {
  const { source, target, from, to } = setUp();
  const one = putImage(source, 'a', ['same', 'same', 'one']);
  const two = putImage(source, 'a', ['same', 'two']);
  const inner = putIndex(source, 'a', [one, two]);
  const root = putIndex(source, 'a', [inner, one, one, two]);
  await copyContent({ from, to, root });
  t.is(target.calls.filter((call) => call === `pushBlob b ${sha256('same')}`).length, 1);
  t.deepEqual(new Set(target.manifests('b')), new Set([one.digest, two.digest, inner.digest, root.digest]));
  t.is(target.manifests('b').at(-1), root.digest);
  t.is(count(target, 'pushManifest'), 4);
});

test('mounts where a sibling has it, and does not ask before', async (t) => {
  const { source } = setUp();
  const root = putImage(source, 'a', ['x', 'y']);
  const effects: string[] = [];
  const report = await copyContent({
    from: source.repository('a'),
    to: source.repository('final'),
    root,
    mountFrom: 'a',
    onEffect: (effect) => effects.push(effect),
  });
  t.like(report, { mounted: 3, copied: 1 });
  t.is(count(source, 'hasBlob'), 0);
  t.is(count(source, 'blob'), 0);
});

test('threat 1: a tag is never read: what was resolved is what is copied', async (t) => {
  const { source, from, to } = setUp();
  const checked = putImage(source, 'a', ['good'], undefined, 'latest');
  putImage(source, 'a', ['evil'], undefined, 'latest');
  await copyContent({ from, to, root: checked, tag: 'latest' });
  t.is((await to.resolve('latest'))?.digest, checked.digest);
  t.true(
    source.calls.filter((call) => /^(manifest|resolve)/.test(call)).every((call) => call.includes('sha256:')),
  );
});

test('threat 2: a source with other bytes is asked twice, then refused, and no manifest arrives', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putImage(source, 'a', ['good']);
  source.corrupt(sha256('good'), Buffer.from('evil'));
  await t.throwsAsync(copyContent({ from, to, root }), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
  t.is(target.calls.filter((call) => call === `pushBlob b ${sha256('good')}`).length, 2);
  t.deepEqual(target.manifests('b'), []);
});

test('a bit that flips once does not stop a copy', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putImage(source, 'a', ['good']);
  target.fail(1, new AmlpromoteError('INTEGRITY_MISMATCH', 'once'), 'pushBlob');
  await copyContent({ from, to, root });
  t.deepEqual(target.manifests('b'), [root.digest]);
});

const put = (registry: MemoryRegistry, body: unknown, mediaType: string): Descriptor => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const content: ManifestContent = {
    descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength },
    bytes,
  };
  return registry.putManifest('a', content);
};

test('threat 4: what an index lists as a manifest must be one, of that type', async (t) => {
  const { source, from, to } = setUp();
  const image = putImage(source, 'a', ['x']);
  const asIndex = putIndex(source, 'a', [{ ...image, mediaType: mediaTypes.ociIndex }]);
  const asBlob = putIndex(source, 'a', [source.putBlob('a', 'blob', layer)]);
  for (const root of [asIndex, asBlob]) {
    await t.throwsAsync(copyContent({ from, to, root }), {
      instanceOf: AmlpromoteError,
      code: 'CONTENT_INVALID',
    });
  }
});

test('threat 5, 24, 25: a manifest that other tools would read differently is not copied', async (t) => {
  const { source, target, from, to } = setUp();
  const config = source.putBlob('a', '{}', mediaTypes.ociConfig);
  const blob = source.putBlob('a', 'x', layer);
  const roots = [
    put(
      source,
      `{"schemaVersion":2,"config":${JSON.stringify(config)},"layers":[],"layers":[]}`,
      mediaTypes.ociManifest,
    ),
    put(source, { schemaVersion: 2, config, layers: [], Layers: [blob] }, mediaTypes.ociManifest),
    put(
      source,
      { schemaVersion: 2, config, layers: [{ ...blob, urls: ['https://x.test/'] }] },
      mediaTypes.ociManifest,
    ),
    put(source, { schemaVersion: 1, fsLayers: [] }, 'application/vnd.docker.distribution.manifest.v1+json'),
  ];
  for (const root of roots) {
    await t.throwsAsync(copyContent({ from, to, root }), {
      instanceOf: AmlpromoteError,
      code: 'CONTENT_INVALID',
    });
  }
  t.deepEqual(target.manifests('b'), []);
});

test('indexes nested without end are refused', async (t) => {
  const { source, from, to } = setUp();
  let root = putImage(source, 'a', ['x']);
  for (let depth = 0; depth < 6; depth += 1) root = putIndex(source, 'a', [root]);
  await t.throwsAsync(copyContent({ from, to, root }), {
    instanceOf: AmlpromoteError,
    code: 'CONTENT_INVALID',
  });
});

test('a listed manifest or blob that the source lost: LISTED_CONTENT_MISSING', async (t) => {
  const { source, from, to } = setUp();
  const image = putImage(source, 'a', ['x', 'y']);
  const root = putIndex(source, 'a', [image]);
  source.drop(sha256('y'));
  await t.throwsAsync(copyContent({ from, to, root }), {
    instanceOf: AmlpromoteError,
    code: 'LISTED_CONTENT_MISSING',
  });
  source.drop(image.digest);
  await t.throwsAsync(copyContent({ from, to, root }), {
    instanceOf: AmlpromoteError,
    code: 'LISTED_CONTENT_MISSING',
  });
});

test('threat 39: broken off after any step, the next run completes it and sends nothing twice', async (t) => {
  const { source } = setUp();
  const image = putImage(source, 'a', ['x', 'y', 'z']);
  const evidence = putImage(source, 'a', ['e'], image);
  const root = putIndex(source, 'a', [image, evidence]);
  const options = { from: source.repository('a'), root, concurrency: 1 };
  const steps = (await copyContent({ ...options, to: memoryRegistry().repository('b') })).copied;
  for (let stop = 1; stop < steps; stop += 1) {
    const target = memoryRegistry();
    const to = target.repository('b');
    const done: string[] = [];
    const kill = (_effect: string, subject: string): void => {
      if (done.push(subject.replace('b@', '')) === stop) throw new Error('killed');
    };
    await t.throwsAsync(copyContent({ ...options, to, onEffect: kill }), { message: 'killed' });
    const before = target.calls.length;
    await copyContent({ ...options, to });
    const pushed = target.calls.slice(before).filter((call) => call.startsWith('push'));
    t.false(
      pushed.some((call) => done.some((digest) => call.endsWith(digest))),
      `stop ${String(stop)}`,
    );
    t.deepEqual(
      (await to.referrers(image.digest)).map((one) => one.digest),
      [evidence.digest],
    );
    t.truthy(await to.resolve(root.digest));
  }
});

test('threat 39: a manifest that arrived without its entry in the referrers is entered by the next run', async (t) => {
  const { source, target, from } = setUp();
  const image = putImage(source, 'a', ['x']);
  const evidence = putImage(source, 'a', ['e'], image);
  const to = target.repository('b');
  await copyContent({ from, to, root: evidence });
  let listed = false;
  const forgetful = {
    ...to,
    referrers: async () => (listed ? [evidence] : []),
    pushManifest: async (content: ManifestContent) => {
      listed = content.descriptor.digest === evidence.digest;
    },
  };
  await copyContent({ from, to: forgetful, root: evidence });
  t.true(listed);
});

test('the first failure ends the others and is the one that is told', async (t) => {
  const { source, target, from, to } = setUp();
  const root = putImage(
    source,
    'a',
    Array.from({ length: 50 }, (_, index) => `layer ${String(index)}`),
  );
  const cause = new AmlpromoteError('FORBIDDEN', 'no');
  target.fail(1, cause, 'pushBlob');
  t.is(await t.throwsAsync(copyContent({ from, to, root })), cause);
  t.true(count(target, 'pushBlob') < 10);
});

test('an interruption before and in the middle: INTERRUPTED', async (t) => {
  const { source, from, to } = setUp();
  const root = putImage(source, 'a', ['x', 'y', 'z']);
  const interruption = new AbortController();
  const options = { from, to, root, signal: interruption.signal, concurrency: 1 };
  const stop = (): void => interruption.abort();
  await t.throwsAsync(copyContent({ ...options, onEffect: stop }), {
    instanceOf: AmlpromoteError,
    code: 'INTERRUPTED',
  });
  await t.throwsAsync(copyContent(options), { instanceOf: AmlpromoteError, code: 'INTERRUPTED' });
});

test('no more than the given number of blobs are in transfer at a time', async (t) => {
  const { source, from, to } = setUp();
  const root = putImage(
    source,
    'a',
    Array.from({ length: 30 }, (_, index) => `layer ${String(index)}`),
  );
  let now = 0;
  let most = 0;
  const slow = {
    ...from,
    blob: async (descriptor: Descriptor): Promise<Readable> => {
      now += 1;
      most = Math.max(most, now);
      const stream = await from.blob(descriptor);
      stream.once('close', () => (now -= 1));
      return stream;
    },
  };
  await copyContent({ from: slow, to, root, concurrency: 3 });
  t.is(most, 3);
});

test('the limiter starts the heaviest that waits', async (t) => {
  const limit = createLimiter(1);
  const order: number[] = [];
  await Promise.all([1, 5, 3, 4].map(async (weight) => limit(weight, async () => order.push(weight))));
  t.deepEqual(order, [5, 4, 3, 1]);
});
