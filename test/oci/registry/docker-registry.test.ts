import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { copyContent } from '../../../src/oci/copy.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { createRegistry } from '../../../src/oci/registry/registry.ts';
import { readBlob } from '../../../src/oci/verified.ts';
import type { Registry, Repository } from '../../../src/ports/content.ts';
import type { DockerRegistry } from '../../support/docker-registry.ts';
import { hasDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { needing } from '../../support/tools.ts';

const real = needing('docker-registry');

let server: DockerRegistry | undefined;
let registry: Registry;

test.before(async () => {
  if (!hasDockerRegistry) return;
  server = await startDockerRegistry();
  registry = createRegistry({ host: server.host, scheme: 'http' });
});
test.after.always(async () => server?.stop());

const push = async (to: Repository, bytes: Uint8Array | string, mediaType: string): Promise<Descriptor> => {
  const content = Buffer.from(bytes);
  const descriptor = { mediaType, digest: sha256(content), size: content.byteLength };
  await to.pushBlob(descriptor, async () => Readable.from([content]));
  return descriptor;
};

async function pushImage(to: Repository, tag?: string, subject?: Descriptor): Promise<Descriptor> {
  const config = await push(to, '{}', mediaTypes.ociConfig);
  const layers = await Promise.all(
    [1, 70_000, 0].map(async (size) => push(to, randomBytes(size), mediaTypes.ociLayerGzip)),
  );
  const content = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config,
    layers,
    ...(subject ? { subject, artifactType: 'application/x.test' } : {}),
  });
  await to.pushManifest(content, tag);
  return content.descriptor;
}

real('what is not there is undefined, false or empty', async (t) => {
  const repository = registry.repository('nothing/here');
  const digest = sha256('nothing');
  t.is(await repository.resolve('latest'), undefined);
  t.is(await repository.manifest(digest), undefined);
  t.deepEqual(await repository.referrers(digest), []);
  t.deepEqual(await repository.tags(), []);
  t.false(await repository.hasBlob({ mediaType: 'a/b', digest, size: 7 }));
  await t.throwsAsync(repository.blob({ mediaType: 'a/b', digest, size: 7 }), {
    instanceOf: AmlpromoteError,
    code: 'LISTED_CONTENT_MISSING',
  });
});

real('push, resolve by tag and digest, read back', async (t) => {
  const repository = registry.repository('round/trip');
  const image = await pushImage(repository, 'v1');
  t.deepEqual(await repository.resolve('v1'), image);
  t.deepEqual(await repository.resolve(image.digest), image);
  t.deepEqual((await repository.manifest('v1'))?.descriptor, image);
  t.deepEqual(await repository.tags(), ['v1']);
  const blob = { mediaType: 'a/b', digest: sha256('{}'), size: 2 };
  t.true(await repository.hasBlob(blob));
  t.is(Buffer.from(await readBlob(repository, blob, 10)).toString(), '{}');
});

real('bytes that are not the ones named leave nothing behind', async (t) => {
  const repository = registry.repository('wrong/bytes');
  const good = randomBytes(100_000);
  const descriptor = { mediaType: 'a/b', digest: sha256(good), size: good.byteLength };
  const bad = Buffer.from(good);
  bad[0] = (bad[0] ?? 0) ^ 1;
  for (const bytes of [bad, good.subarray(1), Buffer.concat([good, good])]) {
    await t.throwsAsync(
      repository.pushBlob(descriptor, async () => Readable.from([bytes])),
      { instanceOf: AmlpromoteError, code: 'INTEGRITY_MISMATCH' },
    );
    t.false(await repository.hasBlob(descriptor));
  }
});

/** Passes everything on to the registry, and resets the first connection that has sent `after` bytes. */
async function startCuttingProxy(port: number, after: number) {
  let cuts = 0;
  const proxy = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    let sent = 0;
    client.on('data', (chunk) => {
      sent += chunk.byteLength;
      upstream.write(chunk);
      if (sent < after || cuts > 0) return;
      cuts += 1;
      client.resetAndDestroy();
      upstream.end();
    });
    upstream.pipe(client);
    client.on('error', () => upstream.destroy());
    client.on('close', () => upstream.end());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { proxy, port: (proxy.address() as AddressInfo).port, cuts: () => cuts };
}

real('threat 41: an upload that is cut goes on, with the real thing at the other end', async (t) => {
  const { proxy, port, cuts } = await startCuttingProxy(server?.port ?? 0, 5_000_000);
  t.teardown(() => proxy.close());
  const cut = createRegistry({ host: `127.0.0.1:${String(port)}`, scheme: 'http', limits: { pause: 10 } });
  const content = randomBytes(12_000_000);
  const descriptor = { mediaType: 'a/b', digest: sha256(content), size: content.byteLength };
  const pieces = Array.from({ length: 120 }, (_, at) => content.subarray(at * 100_000, (at + 1) * 100_000));
  const repository = cut.repository('cut/upload');
  t.is(await repository.pushBlob(descriptor, async () => Readable.from(pieces)), 'uploaded');
  t.is(cuts(), 1);
  t.true(Buffer.from(await readBlob(repository, descriptor, descriptor.size)).equals(content));
});

real('mounts from a sibling, uploads where the sibling does not have it', async (t) => {
  const repository = registry.repository('mount/target');
  const descriptor = await push(registry.repository('mount/source'), 'mounted', 'a/b');
  const unread = async (): Promise<Readable> => t.fail();
  t.is(await repository.pushBlob(descriptor, unread, { mountFrom: 'mount/source' }), 'mounted');
  t.true(await repository.hasBlob(descriptor));
  const other = { mediaType: 'a/b', digest: sha256('other'), size: 5 };
  const open = async (): Promise<Readable> => Readable.from([Buffer.from('other')]);
  t.is(await repository.pushBlob(other, open, { mountFrom: 'mount/source' }), 'uploaded');
});

real('referrers by tag schema: concurrent pushes lose nothing, foreign types are filtered', async (t) => {
  const repository = registry.repository('with/referrers');
  const image = await pushImage(repository, 'v1');
  const attached = await Promise.all([1, 2, 3, 4].map(async () => pushImage(repository, undefined, image)));
  const found = await repository.referrers(image.digest);
  t.deepEqual(found.map((one) => one.digest).sort(), attached.map((one) => one.digest).sort());
  t.is((await repository.referrers(image.digest, 'application/x.test')).length, 4);
  t.is((await repository.referrers(image.digest, 'application/x.other')).length, 0);
});

real('copy: an index with evidence arrives with its referrers, a second time costs nothing', async (t) => {
  const from = registry.repository('copy/from');
  const to = registry.repository('copy/to');
  const image = await pushImage(from);
  const evidence = await pushImage(from, undefined, image);
  const index = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [image, evidence] });
  await from.pushManifest(index, 'release-1');
  const effects: string[] = [];
  const options = { from, to, root: index.descriptor, tag: 'release-1' };
  const first = await copyContent({ ...options, onEffect: (effect) => effects.push(effect) });
  t.like(first, { mounted: 0, skipped: 0 });
  t.is(effects.at(-1), 'manifest');
  t.deepEqual(await to.resolve('release-1'), index.descriptor);
  t.deepEqual(
    (await to.referrers(image.digest)).map((one) => one.digest),
    [evidence.digest],
  );
  t.deepEqual(await copyContent(options), { copied: 0, mounted: 0, skipped: 1, bytes: 0 });
  const mounted = await copyContent({
    ...options,
    to: registry.repository('copy/mounted'),
    mountFrom: 'copy/to',
  });
  t.is(mounted.mounted, first.copied - 3, 'all but the three manifests');
});
