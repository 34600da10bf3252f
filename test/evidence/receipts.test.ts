import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import { mediaTypes, predicateTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { rawToDer } from '../../src/evidence/algorithm.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { attest, leafOf } from '../../src/evidence/attestation.ts';
import { preAuthEncoding } from '../../src/evidence/dsse.ts';
import {
  headsOf,
  highestRelease,
  listedReceipts,
  readReceipts,
  receiptsOf,
} from '../../src/evidence/receipts.ts';
import { recordReceipt } from '../../src/evidence/record-receipt.ts';
import type { ReceiptPorts, ReceiptRequest, RecordedReceipt } from '../../src/evidence/record-receipt.ts';
import { encodeReferrer } from '../../src/evidence/referrer.ts';
import { encodeBundle } from '../../src/evidence/sigstore-bundle.ts';
import { copyContent } from '../../src/oci/copy.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { Repository } from '../../src/ports/content.ts';
import type { Signer } from '../../src/ports/signer.ts';
import { makeIdentities } from '../support/identities.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryRegistry } from '../support/memory-registry.ts';
import type { MemoryRegistry } from '../support/memory-registry.ts';
import { pushImage } from '../support/signed-release.ts';

const clock = manualClock();
const identities = await makeIdentities(clock.now());
const keys = [{ name: 'receipt', certificate: await leafOf(identities.receiptSigner) }];
const ports: ReceiptPorts = { signer: identities.receiptSigner, keys, clock };

async function request(repository: Repository, counter: number, changes: Partial<ReceiptRequest> = {}) {
  const image = await pushImage(repository, String(counter));
  const made: ReceiptRequest = {
    image,
    host: 'sec.azurecr.test',
    toolVersion: '0.1.0',
    policyDigest: sha256('policy'),
    inputs: [sha256(`index ${String(counter)}`)],
    result: 'PASSED',
    release: {
      name: 'churn-train',
      version: `1.${String(counter)}.0`,
      release: counter,
      repository: 'ml/churn-train',
      index: sha256(`index ${String(counter)}`),
    },
    actions: ['mounted'],
    ...changes,
  };
  return made;
}

const setup = () => {
  const registry = memoryRegistry();
  const repository = registry.repository('ml/churn-train');
  const record = async (counter: number, changes: Partial<ReceiptRequest> = {}): Promise<RecordedReceipt> =>
    recordReceipt(repository, await request(repository, counter, changes), ports);
  return { registry, repository, record };
};

test('no receipts: nothing was admitted', async (t) => {
  t.deepEqual(await readReceipts(setup().repository, keys), []);
  t.is(highestRelease([]), 0);
});

test('receipts follow one another; the newest repeats the highest counter', async (t) => {
  const { repository, record } = setup();
  const [first, second] = [await record(7), await record(5)];
  const receipts = await readReceipts(repository, keys);
  t.deepEqual(
    receipts.map(({ release, highest, previous, signer }) => [release.release, highest, previous, signer]),
    [
      [7, 7, [], 'receipt'],
      [5, 7, [first.descriptor.digest], 'receipt'],
    ],
  );
  t.is(highestRelease(receipts.slice(1)), 7);
  t.deepEqual(
    headsOf(receipts).map(({ descriptor }) => descriptor.digest),
    [second.descriptor.digest],
  );
});

test('a refused release does not raise the counter', async (t) => {
  const { repository, record } = setup();
  await record(7);
  await record(9, { result: 'FAILED' });
  t.is(highestRelease(await readReceipts(repository, keys)), 7);
});

test('the same verdict is written once', async (t) => {
  const { registry, repository, record } = setup();
  const first = await record(7);
  const before = registry.manifests('ml/churn-train').length;
  t.deepEqual(await record(7), { ...first, already: true });
  t.is(registry.manifests('ml/churn-train').length, before);
  t.false((await record(7, { policyDigest: sha256('another policy') })).already);
  t.is((await listedReceipts(repository)).length, 2);
});

test('threat 39: a receipt that was attached but never listed is listed by the next run', async (t) => {
  const { registry, repository } = setup();
  const wanted = await request(repository, 7);
  const isTagged = (times: number): Repository => ({
    ...repository,
    pushManifest: async (content, tag) => {
      if (tag !== undefined && times-- > 0) throw new AmlpromoteError('INTERRUPTED', 'killed');
      return repository.pushManifest(content, tag);
    },
  });
  await t.throwsAsync(recordReceipt(isTagged(1), wanted, ports), { message: 'killed' });
  t.deepEqual(await listedReceipts(repository), []);
  const again = await recordReceipt(repository, wanted, ports);
  t.true(again.already);
  t.deepEqual(
    (await listedReceipts(repository)).map(({ digest }) => digest),
    [again.descriptor.digest],
  );
  t.is(registry.manifests('ml/churn-train').length, 3);
});

test('threat 38: writers at the same time lose nothing, and the next one has all of them as previous', async (t) => {
  const { repository, record } = setup();
  const racing = await Promise.all([record(1), record(2), record(3)]);
  const last = await record(4);
  const receipts = await readReceipts(repository, keys);
  t.deepEqual(receipts.map(({ release }) => release.release).sort(), [1, 2, 3, 4]);
  const newest = receipts.find(({ descriptor }) => descriptor.digest === last.descriptor.digest);
  t.deepEqual([...(newest?.previous ?? [])].sort(), racing.map(({ descriptor }) => descriptor.digest).sort());
});

test('a list that others change all the time ends in a clear error', async (t) => {
  const { repository } = setup();
  const forgetful: Repository = {
    ...repository,
    pushManifest: async (content, tag) => (tag === undefined ? repository.pushManifest(content) : undefined),
  };
  const error = await t.throwsAsync(recordReceipt(forgetful, await request(repository, 7), ports), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INCONCLUSIVE');
});

test('a key that the policy does not name writes no receipts', async (t) => {
  const { registry, repository } = setup();
  const wanted = await request(repository, 7);
  const error = await t.throwsAsync(
    recordReceipt(repository, wanted, { ...ports, signer: identities.releaseSigner }),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'KEY_MISSING');
  t.is(registry.manifests('ml/churn-train').length, 1);
});

test('threat 44: a receipt key whose certificate is over writes no receipts, for nobody would believe them', async (t) => {
  const { registry, repository } = setup();
  const wanted = await request(repository, 7);
  const later = manualClock('2036-01-01T00:00:00Z');
  const error = await t.throwsAsync(recordReceipt(repository, wanted, { ...ports, clock: later }), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'KEY_MISSING');
  t.regex(error.message, /not valid now/);
  t.is(registry.manifests('ml/churn-train').length, 1);
});

/** An attestation attached to `image`, as somebody with that key would push it. */
const attached = async (
  repository: Repository,
  image: Descriptor,
  by: Signer,
  predicate: unknown = { amlpromote_highest: 999 },
  predicateType: string = predicateTypes.receipt,
): Promise<Descriptor> => {
  const artifact = await attest({ subject: image, name: 'x', predicateType, predicate }, by, clock.now());
  await pushArtifact(repository, artifact);
  return artifact.manifest.descriptor;
};

const relist = async (repository: Repository, manifests: readonly Descriptor[]): Promise<void> =>
  await repository.pushManifest(
    encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests: manifests.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
    'receipts',
  );

test('threat 13: what is no receipt by the receipt key is passed over', async (t) => {
  const { repository, record } = setup();
  await record(7);
  const image = await pushImage(repository, '7');
  const forged = await attached(repository, image, identities.releaseSigner);
  const other = await attached(repository, image, identities.receiptSigner, {}, 'https://example.test/run');
  await relist(repository, [...(await listedReceipts(repository)), forged, other, image]);
  const receipts = await readReceipts(repository, keys);
  t.deepEqual(
    receipts.map(({ release }) => release.release),
    [7],
  );
});

test('threat 46: a trusted receipt that cannot be parsed is never passed over', async (t) => {
  const { repository, record } = setup();
  await record(7);
  const image = await pushImage(repository, '7');
  const later = await attached(repository, image, identities.receiptSigner);
  await relist(repository, [...(await listedReceipts(repository)), later]);
  const error = await t.throwsAsync(readReceipts(repository, keys), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /this version cannot read it/);
  t.regex(error.nextSteps.join(' '), /upgrade/);
});

test('threat 46: a statement of another form by the receipt key is never passed over either', async (t) => {
  const { registry, repository, record } = setup();
  await record(7);
  const image = await pushImage(repository, '7');
  const payload = Buffer.from('{"_type":"https://in-toto.io/Statement/v2"}');
  const raw = await identities.receiptSigner.sign(preAuthEncoding(mediaTypes.dssePayload, payload));
  const bundle = encodeBundle({
    hint: 'x',
    payloadType: mediaTypes.dssePayload,
    payload,
    signature: rawToDer(raw),
  });
  const artifact = encodeReferrer({
    type: { artifactType: mediaTypes.sigstoreBundle },
    subject: image,
    layer: { mediaType: mediaTypes.sigstoreBundle, bytes: bundle },
    annotations: {},
  });
  await pushArtifact(repository, artifact);
  await relist(repository, [...(await listedReceipts(repository)), artifact.manifest.descriptor]);
  const error = await t.throwsAsync(readReceipts(repository, keys), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.truthy(registry);
});

test('threat 46: junk behind or in front of the receipts hides none, and the order of the list says nothing', async (t) => {
  const { registry, repository, record } = setup();
  for (let counter = 1; counter <= 70; counter += 1) await record(counter);
  const honest = await listedReceipts(repository);
  const junk = Array.from({ length: 200 }, (_, at) =>
    registry.putManifest(
      'ml/churn-train',
      encodeManifest({
        mediaType: mediaTypes.ociManifest,
        config: registry.putBlob('ml/churn-train', `{"junk":${at}}`),
        layers: [],
      }),
    ),
  );
  for (const list of [
    [...honest, ...junk],
    [...junk, ...honest],
    [...honest].reverse(),
    [...junk, ...[...honest].reverse(), ...junk.slice(0, 0)],
  ]) {
    await relist(repository, list);
    const receipts = await readReceipts(repository, keys);
    t.is(receipts.length, 64);
    t.is(highestRelease(receipts), 70);
    t.is(receipts.at(-1)?.release.release, 70);
  }
});

/** A list of receipts as somebody writes it who does not keep to any form. */
function putList(registry: MemoryRegistry, manifests: readonly unknown[], more: object = {}): void {
  const list = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...more };
  const bytes = Buffer.from(JSON.stringify(list));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: sha256(bytes), size: bytes.byteLength };
  registry.putManifest('ml/churn-train', { descriptor, bytes }, 'receipts');
}

test('threat 46: junk entries of the list, in any place and number, hide no receipt and block nobody', async (t) => {
  const { registry, repository, record } = setup();
  for (const counter of [7, 9, 8]) await record(counter);
  const honest = await listedReceipts(repository);
  const known = (await readReceipts(repository, keys)).map(({ descriptor }) => descriptor.digest);
  const image = await pushImage(repository, '7');
  const junk: readonly unknown[] = [
    { ...image, annotations: { a: null } },
    { ...image, annotations: { a: 1 } },
    { ...image, size: 1.5 },
    { ...image, mediaType: 7 },
    { ...image, digest: 'sha256:no' },
    { ...image, digest: null },
    {},
    null,
    'receipt',
  ];
  const pick = fc.array(fc.constantFrom(...junk), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      pick,
      pick,
      fc.shuffledSubarray([...honest], { minLength: 3 }),
      async (one, two, order) => {
        putList(registry, [...one, ...order.slice(0, 2), ...two, ...order.slice(2)]);
        const found = await readReceipts(repository, keys);
        t.deepEqual(
          found.map(({ descriptor }) => descriptor.digest),
          known,
        );
      },
    ),
    { numRuns: 50 },
  );
  putList(registry, [...junk, ...honest]);
  const next = await record(10);
  t.true((await listedReceipts(repository)).some(({ digest }) => digest === next.descriptor.digest));
  t.is(highestRelease(await readReceipts(repository, keys)), 10);
});

test('threat 46: an entry of a receipt that somebody has damaged counts as long as its digest does', async (t) => {
  const { registry, repository, record } = setup();
  const { descriptor } = await record(9);
  for (const damage of [
    { annotations: { a: null } },
    { annotations: 'no' },
    { size: -1 },
    { size: undefined },
    { mediaType: '' },
    { mediaType: 'application/vnd.docker.distribution.manifest.v1+json' },
    { urls: ['https://evil.test/'] },
    { data: 'AAAA' },
    { platform: 1 },
  ]) {
    putList(registry, [{ ...descriptor, ...damage }]);
    t.is(highestRelease(await readReceipts(repository, keys)), 9, JSON.stringify(damage));
  }
  putList(registry, [{ ...descriptor, digest: sha256('gone'), size: -1 }]);
  const error = await t.throwsAsync(readReceipts(repository, keys), { code: 'INCONCLUSIVE' });
  t.regex(error.message, new RegExp(sha256('gone')));
});

test('threat 17: one entry, repeated, does not make the list too long', async (t) => {
  const { registry, repository, record } = setup();
  const { descriptor } = await record(9);
  const image = await pushImage(repository, '7');
  putList(registry, [descriptor, ...Array.from({ length: 12_000 }, () => image)]);
  t.is(highestRelease(await readReceipts(repository, keys)), 9);
});

test('a list of receipts that cannot be read is told with its cause and what mends it', async (t) => {
  const { registry, repository } = setup();
  putList(registry, [], { schemaVersion: 3 });
  const error = await t.throwsAsync(readReceipts(repository, keys), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /schemaVersion is not 2/);
  t.regex(error.nextSteps.join(' '), /delete the tag `receipts`/);
});

test('what is attached cannot be listed: told with its cause, and nobody is sent to the tag `receipts`', async (t) => {
  const { registry, repository, record } = setup();
  await record(9);
  const cause = new AmlpromoteError('CONTENT_INVALID', 'x:sha256-00 is not an index', {
    nextSteps: ['Mend the tag `sha256-00`.'],
  });
  registry.fail(1, cause, 'referrers');
  const image = await pushImage(repository, '9');
  const error = await t.throwsAsync(receiptsOf(repository, image.digest, keys), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /x:sha256-00 is not an index/);
  t.deepEqual(error.nextSteps, ['Mend the tag `sha256-00`.']);
});

test('threat 17: a list longer than 5,000 entries is not judged', async (t) => {
  const { registry, repository } = setup();
  const manifests = Array.from({ length: 5001 }, (_, at) => ({
    mediaType: mediaTypes.ociManifest,
    digest: sha256(String(at)),
    size: 1,
  }));
  registry.putManifest(
    'ml/churn-train',
    encodeManifest({ mediaType: mediaTypes.ociIndex, manifests }),
    'receipts',
  );
  const error = await t.throwsAsync(readReceipts(repository, keys), { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /5001 manifests are listed/);
});

test('threat 46: a receipt of another repository is none here', async (t) => {
  const { registry, repository, record } = setup();
  const { descriptor } = await record(900);
  const other = registry.repository('ml/other');
  await copyContent({ from: repository, to: other, root: descriptor });
  await relist(other, [descriptor]);
  t.deepEqual(await readReceipts(other, keys), []);
  t.is((await readReceipts(repository, keys)).length, 1);
});

test('threat 76: what others wrote beside a digest is not carried on, and makes no list too large', async (t) => {
  const { registry, repository, record } = setup();
  await record(7);
  const honest = await listedReceipts(repository);
  const image = await pushImage(repository, '7');
  putList(registry, [...honest, { ...image, annotations: { a: 'x'.repeat(4_193_000) } }]);
  const next = await record(8);
  t.deepEqual(
    (await listedReceipts(repository)).map(({ digest, annotations }) => [digest, annotations]),
    [...honest, image, next.descriptor].map(({ digest }) => [digest, undefined]),
  );
});

test('threat 46: a full list gives way to what is trusted', async (t) => {
  const { registry, repository, record } = setup();
  await record(7);
  const [mine] = await listedReceipts(repository);
  const junk = registry.putManifest(
    'ml/churn-train',
    encodeManifest({
      mediaType: mediaTypes.ociManifest,
      config: registry.putBlob('ml/churn-train', '{"junk":true}'),
      layers: [],
    }),
  );
  await relist(repository, [mine!, ...Array.from({ length: 4999 }, () => junk)]);
  const next = await record(8);
  t.deepEqual(
    (await listedReceipts(repository)).map(({ digest }) => digest),
    [mine!.digest, next.descriptor.digest],
  );
});

test('a second index under a counter that was admitted meanwhile gets no receipt', async (t) => {
  const { record } = setup();
  await record(7);
  const error = await t.throwsAsync(
    record(7, {
      release: {
        name: 'churn-train',
        version: '1.7.0',
        release: 7,
        repository: 'ml/churn-train',
        index: sha256('another index'),
      },
    }),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'TAG_CONFLICT');
});

test('a listed receipt that is gone, or a list that is none, leaves the question open', async (t) => {
  const { registry, repository, record } = setup();
  const { descriptor } = await record(7);
  registry.drop(descriptor.digest);
  const gone = await t.throwsAsync(readReceipts(repository, keys), { instanceOf: AmlpromoteError });
  t.is(gone.code, 'INCONCLUSIVE');

  const other = setup().repository;
  const image = await pushImage(other);
  await other.pushManifest((await other.manifest(image.digest))!, 'receipts');
  const none = await t.throwsAsync(readReceipts(other, keys), { instanceOf: AmlpromoteError });
  t.is(none.code, 'INCONCLUSIVE');
});

test('a receipt outlives its certificate, but cannot be older or younger than it', async (t) => {
  const { repository, record } = setup();
  await record(7);
  const [certificate] = keys.map((key) => key.certificate);
  const expired = { ...certificate!, notAfter: new Date(clock.now().getTime() + 1000) };
  t.is((await readReceipts(repository, [{ name: 'receipt', certificate: expired }])).length, 1);
  const tooYoung = { ...certificate!, notAfter: new Date(clock.now().getTime() - 86_400_000) };
  t.is((await readReceipts(repository, [{ name: 'receipt', certificate: tooYoung }])).length, 0);
});
