import test from 'ava';
import { registries } from '../../topology.ts';
import type { Made } from '../support/content.ts';
import { makeImage, makeIndex, makeReferrer } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { sdkOf } from '../support/sdk.ts';
import { startTestSandbox } from '../support/sandbox.ts';
import type { RunningSandbox } from '../../index.ts';
import type { ExecutionContext } from 'ava';

const repository = 'ml/churn-train';
const quarantine = `quarantine/${repository}`;

interface Release {
  readonly image: Made;
  readonly evidence: readonly Made[];
  readonly index: Made;
}

/** A release as outside publishes it: an index that lists an image and two manifests that refer to it. */
async function publish(sandbox: RunningSandbox): Promise<Release> {
  const image = makeImage(100_000);
  const evidence = [
    makeReferrer(image, 'application/vnd.cncf.notary.signature', { signature: 'a' }),
    makeReferrer(image, 'application/vnd.dev.sigstore.bundle.v0.3+json', { sbom: 'b' }),
  ];
  const index = makeIndex([image, ...evidence]);
  const registry = loopbackOf(sandbox, 'nonsensitive');
  for (const each of [image, ...evidence, index]) await registry.push(repository, each);
  return { image, evidence, index };
}

const importByDigest = (t: ExecutionContext, sandbox: RunningSandbox, digest: string, more: object = {}) => {
  const { arm } = sdkOf(t, sandbox, 'inside');
  const { resourceGroup, name } = registries.sensitive;
  return arm.registries.importImage(resourceGroup, name, {
    source: { resourceId: registries.nonsensitive.id, sourceImage: `${repository}@${digest}` },
    untaggedTargetRepositories: [quarantine],
    mode: 'NoForce',
    ...more,
  });
};

async function bytesAt(sandbox: RunningSandbox, made: Made): Promise<Buffer | number> {
  const response = await loopbackOf(sandbox, 'sensitive').manifest(quarantine, made.digest);
  return response.ok ? Buffer.from(await response.arrayBuffer()) : response.status;
}

test('importImage by digest brings an index with every child, byte for byte and untagged', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { image, evidence, index } = await publish(sandbox);
  await importByDigest(t, sandbox, index.digest);
  for (const made of [index, image, ...evidence]) {
    t.deepEqual(await bytesAt(sandbox, made), made.bytes);
    for (const blob of made.blobs) {
      const response = await loopbackOf(sandbox, 'sensitive').call(`/v2/${quarantine}/blobs/${blob.digest}`);
      t.deepEqual(Buffer.from(await response.arrayBuffer()), blob.bytes);
    }
  }
  const { call } = loopbackOf(sandbox, 'sensitive');
  t.deepEqual(await (await call(`/v2/${quarantine}/tags/list`)).json(), { name: quarantine, tags: [] });
  const referrers = (await (await call(`/v2/${quarantine}/referrers/${image.digest}`)).json()) as {
    manifests: { digest: string }[];
  };
  t.deepEqual(
    referrers.manifests.map(({ digest }) => digest).sort(),
    evidence.map(({ digest }) => digest).sort(),
  );
});

test('threat 07: where children are dropped, the missing ones come one by one', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { image, evidence, index } = await publish(sandbox);
  sandbox.faults.add({ path: '/importImage$', count: 1, action: { kind: 'drop-children' } });
  await importByDigest(t, sandbox, index.digest);
  t.deepEqual(await bytesAt(sandbox, index), index.bytes);
  t.deepEqual(await bytesAt(sandbox, image), image.bytes);
  for (const made of evidence) t.is(await bytesAt(sandbox, made), 404);
  for (const made of evidence) await importByDigest(t, sandbox, made.digest);
  for (const made of evidence) t.deepEqual(await bytesAt(sandbox, made), made.bytes);
});

test('referrers that the index does not list stay behind', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { image, evidence } = await publish(sandbox);
  await importByDigest(t, sandbox, image.digest);
  t.deepEqual(await bytesAt(sandbox, image), image.bytes);
  for (const made of evidence) t.is(await bytesAt(sandbox, made), 404);
});
