import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { hexOf } from '../../../src/domain/digest.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { openStore } from '../../../src/oci/store/store.ts';
import { descriptorOf, failsWith, pushImage, streamOf, temporaryDirectory, textOf } from './support.ts';

test('a new store is an OCI image layout', async (t) => {
  const directory = join(temporaryDirectory(t), 'new', 'store');
  const store = await openStore(directory);
  t.is(store.host, 'store');
  t.deepEqual(JSON.parse(readFileSync(join(directory, 'oci-layout'), 'utf8')), {
    imageLayoutVersion: '1.0.0',
  });
  t.deepEqual(JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')), {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [],
  });
});

test('what was pushed is read back, by tag and by digest, also by another store object', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('ml/churn');
  const content = await pushImage(repository, ['one', 'two'], { tag: '1.0' });
  const again = (await openStore(directory)).repository('ml/churn');
  t.deepEqual(await again.resolve('1.0'), content.descriptor);
  t.deepEqual(await again.resolve(content.descriptor.digest), content.descriptor);
  t.deepEqual(Buffer.from((await again.manifest('1.0'))?.bytes ?? []), Buffer.from(content.bytes));
  t.is(await textOf(await again.blob(descriptorOf('two'))), 'two');
  t.deepEqual(await again.tags(), ['1.0']);
});

test('what is not there is undefined, and a missing blob says so', async (t) => {
  const repository = (await openStore(temporaryDirectory(t))).repository('ml/churn');
  t.is(await repository.resolve('1.0'), undefined);
  t.is(await repository.manifest(sha256('x')), undefined);
  t.deepEqual(await repository.referrers(sha256('x')), []);
  t.false(await repository.hasBlob(descriptorOf('x')));
  await failsWith(t, 'LISTED_CONTENT_MISSING', () => repository.blob(descriptorOf('x')));
});

test('manifests and tags belong to their repository, blobs are shared', async (t) => {
  const store = await openStore(temporaryDirectory(t));
  const content = await pushImage(store.repository('a'), ['layer'], { tag: 'v' });
  const other = store.repository('b');
  t.is(await other.resolve('v'), undefined);
  t.is(await other.resolve(content.descriptor.digest), undefined);
  t.true(await other.hasBlob(descriptorOf('layer')));
  t.deepEqual(await store.repositories(), ['a']);
});

test('a tag moves; the manifest that had it stays addressable', async (t) => {
  const repository = (await openStore(temporaryDirectory(t))).repository('a');
  const first = await pushImage(repository, ['1'], { tag: 'v' });
  const second = await pushImage(repository, ['2'], { tag: 'v' });
  t.is((await repository.resolve('v'))?.digest, second.descriptor.digest);
  t.truthy(await repository.manifest(first.descriptor.digest));
  t.true(await repository.untag('v'));
  t.false(await repository.untag('v'));
  t.is(await repository.resolve('v'), undefined);
});

test('referrers are listed with their type and annotations, per repository', async (t) => {
  const store = await openStore(temporaryDirectory(t));
  const repository = store.repository('a');
  const image = await pushImage(repository, ['1']);
  const signature = await pushImage(repository, ['sig'], {
    subject: image.descriptor,
    artifactType: 'a/sig',
  });
  await pushImage(repository, ['sbom'], { subject: image.descriptor, artifactType: 'a/sbom' });
  t.is((await repository.referrers(image.descriptor.digest)).length, 2);
  t.deepEqual(await repository.referrers(image.descriptor.digest, 'a/sig'), [signature.descriptor]);
  t.deepEqual(await store.repository('b').referrers(image.descriptor.digest), []);
});

test('wrong bytes are refused and leave nothing behind', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const wanted = descriptorOf('good');
  for (const bytes of ['evil', 'goo', 'good and more']) {
    await failsWith(t, 'INTEGRITY_MISMATCH', () => repository.pushBlob(wanted, async () => streamOf(bytes)));
  }
  t.false(await repository.hasBlob(wanted));
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
  t.deepEqual(readdirSync(join(directory, 'blobs', 'sha256')), []);
});

test('a source that breaks off or is cut short leaves nothing behind', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const broken = (): Readable =>
    new Readable({
      read() {
        this.push('begin');
        this.destroy(new Error('reset'));
      },
    });
  await t.throwsAsync(
    repository.pushBlob(descriptorOf('beginning'), async () => broken()),
    { message: 'reset' },
  );
  const closed = new Readable({ read() {} });
  const pending = repository.pushBlob(descriptorOf('x'), async () => closed);
  setImmediate(() => closed.destroy());
  await t.throwsAsync(pending);
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('a push can be aborted', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const controller = new AbortController();
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(1024));
    },
  });
  await t.throwsAsync(
    repository.pushBlob({ ...descriptorOf('x'), size: 2 ** 40 }, async () => endless, {
      signal: controller.signal,
      onBytes: (sent) => {
        if (sent > 1_000_000) controller.abort(new Error('enough'));
      },
    }),
    { message: 'enough' },
  );
  t.true(endless.destroyed);
  t.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('a large blob arrives whole, with its bytes counted', async (t) => {
  const repository = (await openStore(temporaryDirectory(t))).repository('a');
  const bytes = Buffer.alloc(9_000_001, 'abcdefg');
  const descriptor = descriptorOf(bytes);
  let counted = 0;
  const chunks = Array.from({ length: 100 }, (_, index) =>
    bytes.subarray(index * 90_001, (index + 1) * 90_001),
  );
  await repository.pushBlob(descriptor, async () => Readable.from(chunks), {
    onBytes: (sent) => (counted = sent),
  });
  t.is(counted, bytes.length);
  t.is(sha256(Buffer.from(await textOf(await repository.blob(descriptor)))), descriptor.digest);
});

test('a manifest whose content is not all there is refused', async (t) => {
  const repository = (await openStore(temporaryDirectory(t))).repository('a');
  const content = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config: descriptorOf('c'),
    layers: [],
  });
  await failsWith(t, 'LISTED_CONTENT_MISSING', () => repository.pushManifest(content, 'v'));
  t.is(await repository.resolve('v'), undefined);
  const index = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [content.descriptor] });
  await failsWith(t, 'LISTED_CONTENT_MISSING', () => repository.pushManifest(index, 'v'));
});

test('threat 2: a manifest with other bytes than its digest is refused', async (t) => {
  const repository = (await openStore(temporaryDirectory(t))).repository('a');
  const content = await pushImage(repository, ['1']);
  const lie = { descriptor: { ...content.descriptor, digest: sha256('other') }, bytes: content.bytes };
  await failsWith(t, 'INTEGRITY_MISMATCH', () => repository.pushManifest(lie));
});

for (const [what, damage] of [
  ['truncated', (file: string) => truncateSync(file, 3)],
  ['altered', (file: string) => writeFileSync(file, 'layeR')],
  ['grown', (file: string) => writeFileSync(file, 'layer and more')],
] as const) {
  test(`threat 42: a blob that was ${what} is found, named, and repaired by the next write`, async (t) => {
    const directory = temporaryDirectory(t);
    const repository = (await openStore(directory)).repository('a');
    await pushImage(repository, ['layer'], { tag: 'v' });
    const layer = descriptorOf('layer');
    const file = join(directory, 'blobs', 'sha256', hexOf(layer.digest));
    damage(file);
    const error = await failsWith(t, 'STORE_CORRUPT', async () => textOf(await repository.blob(layer)));
    t.true(error.message.includes(file));
    t.true(error.nextSteps.length > 0);
    t.false(await repository.hasBlob(layer));
    t.is(
      await repository.resolve('v'),
      undefined,
      'the image is incomplete now, so nobody takes it for copied',
    );
    await repository.pushBlob(layer, async () => streamOf('layer'));
    t.is(await textOf(await repository.blob(layer)), 'layer');
    t.truthy(await repository.resolve('v'));
  });
}

test('threat 42: a corrupt manifest is found, and pushing it again repairs it', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const content = await pushImage(repository, ['layer'], { tag: 'v' });
  const file = join(directory, 'blobs', 'sha256', hexOf(content.descriptor.digest));
  writeFileSync(file, Buffer.alloc(content.bytes.byteLength, '{'));
  await failsWith(t, 'STORE_CORRUPT', () => repository.manifest('v'));
  t.is(await repository.manifest('v'), undefined);
  await repository.pushManifest(content, 'v');
  t.truthy(await repository.manifest('v'));
});

test('a descriptor that lies about the size is not the store being corrupt', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  await pushImage(repository, ['layer']);
  await failsWith(t, 'INTEGRITY_MISMATCH', () => repository.blob({ ...descriptorOf('layer'), size: 4 }));
  t.is(await textOf(await repository.blob(descriptorOf('layer'))), 'layer');
});

test('threat 42: a damaged index.json is named; without it the content is found again', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const image = await pushImage(repository, ['layer'], { tag: 'v' });
  await pushImage(repository, ['sig'], { subject: image.descriptor, artifactType: 'a/sig' });
  writeFileSync(join(directory, 'index.json'), '{"manifests":[{"digest":"sha256:zz"}]}');
  const error = await failsWith(t, 'STORE_CORRUPT', () => repository.resolve('v'));
  t.true(error.nextSteps.join(' ').includes('index.json'));
  rmSync(join(directory, 'index.json'));
  const again = (await openStore(directory)).repository('a');
  t.is(await again.resolve('v'), undefined);
  t.truthy(await again.manifest(image.descriptor.digest));
  t.is((await again.referrers(image.descriptor.digest, 'a/sig')).length, 1);
});

test('entries that other tools wrote are kept and can be read', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  const image = await pushImage(repository, ['layer'], { tag: 'v' });
  const file = join(directory, 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: unknown[] };
  const { mediaType, digest, size } = image.descriptor;
  index.manifests = [
    { mediaType, digest, size, annotations: { 'org.opencontainers.image.ref.name': 'b/c:w' } },
    { mediaType, digest, size, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
  ];
  writeFileSync(file, JSON.stringify(index));
  const store = await openStore(directory);
  t.is((await store.repository('b/c').resolve('w'))?.digest, digest);
  t.is((await store.repository('zzz').resolve(digest))?.digest, digest);
  await pushImage(store.repository('a'), ['new'], { tag: 'v' });
  t.true(readFileSync(file, 'utf8').includes('"latest"'));
});

test('a directory with other content, a file, another version are no store', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'letter.txt'), 'dear');
  await failsWith(t, 'USAGE', () => openStore(directory));
  t.deepEqual(readdirSync(directory), ['letter.txt']);
  await failsWith(t, 'USAGE', () => openStore(join(directory, 'letter.txt')));
  const other = temporaryDirectory(t);
  writeFileSync(join(other, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
  await failsWith(t, 'USAGE', () => openStore(other));
  writeFileSync(join(other, 'oci-layout'), '{');
  await failsWith(t, 'STORE_CORRUPT', () => openStore(other));
});

test('threat 39: a first start that was killed is taken over', async (t) => {
  const directory = temporaryDirectory(t);
  await openStore(directory);
  rmSync(join(directory, 'oci-layout'));
  rmSync(join(directory, 'index.json'));
  t.deepEqual(await (await openStore(directory)).repositories(), []);
  t.true(existsSync(join(directory, 'oci-layout')));
});

test('bad names are refused before they become paths', async (t) => {
  const store = await openStore(temporaryDirectory(t));
  t.throws(() => store.repository('../etc'), { code: 'USAGE' });
  await failsWith(t, 'USAGE', () => pushImage(store.repository('a'), ['x'], { tag: 'a b' }));
});

test('addBlob names bytes by their digest; the layer cache remembers them', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openStore(directory);
  const layer = await store.addBlob(mediaTypes.ociLayerGzip, streamOf('compressed'));
  t.deepEqual(layer, descriptorOf('compressed'));
  const diffId = sha256('tar');
  t.is(await store.layers.find(diffId), undefined);
  await store.layers.remember(diffId, layer);
  t.deepEqual(await (await openStore(directory)).layers.find(diffId), layer);
  writeFileSync(join(directory, 'diffids', 'sha256', hexOf(diffId)), '{"half');
  t.is(await store.layers.find(diffId), undefined);
});

test('pushing what is there already changes no file', async (t) => {
  const directory = temporaryDirectory(t);
  const repository = (await openStore(directory)).repository('a');
  await pushImage(repository, ['layer'], { tag: 'v' });
  const before = statSync(join(directory, 'index.json')).ino;
  await pushImage(repository, ['layer'], { tag: 'v' });
  t.is(statSync(join(directory, 'index.json')).ino, before);
});
