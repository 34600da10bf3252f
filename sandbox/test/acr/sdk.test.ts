import test from 'ava';
import { registries } from '../../topology.ts';
import { makeImage, makeReferrer } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { sdkOf } from '../support/sdk.ts';
import { startTestSandbox } from '../support/sandbox.ts';

const repository = 'team/a';

test('the SDK uploads an image and reads it back through the data host', async (t) => {
  const sandbox = await startTestSandbox(t);
  const client = sdkOf(t, sandbox, 'outside').content(repository);
  const image = makeImage(5 * 1024 * 1024);
  for (const blob of image.blobs) t.is((await client.uploadBlob(blob.bytes)).digest, blob.digest);
  const { digest } = await client.setManifest(image.bytes, { tag: 'v1', mediaType: image.mediaType });
  t.is(digest, image.digest);
  t.is((await client.getManifest('v1')).digest, image.digest);
  const { content } = await client.downloadBlob(image.blobs[1]?.digest ?? '');
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  t.true(image.blobs[1]?.bytes.equals(Buffer.concat(chunks)));
});

test('the SDK lists repositories, tags and manifests, page by page', async (t) => {
  const sandbox = await startTestSandbox(t);
  const registry = loopbackOf(sandbox, 'nonsensitive');
  const image = makeImage();
  for (const tag of ['v1', 'v2', 'v3']) await registry.push(repository, image, tag);
  await registry.push('team/b', image);
  sandbox.configure('nonsensitive', { pageSize: 1 });
  const client = sdkOf(t, sandbox, 'outside').metadata();
  const names: string[] = [];
  for await (const name of client.listRepositoryNames()) names.push(name);
  t.deepEqual(names, ['team/a', 'team/b']);
  const artifact = client.getArtifact(repository, 'v1');
  const tags: string[] = [];
  for await (const { name } of artifact.listTagProperties({ order: 'LastUpdatedOnDescending' }))
    tags.push(name);
  t.deepEqual(tags, ['v3', 'v2', 'v1']);
  const properties = await artifact.getManifestProperties();
  t.is(properties.digest, image.digest);
  t.is(properties.architecture, 'amd64');
  t.deepEqual(properties.tags, ['v1', 'v2', 'v3']);
  t.is((await client.getRepository(repository).getProperties()).tagCount, 3);
  await t.throwsAsync(client.getArtifact(repository, 'none').getTagProperties('none'), {
    message: /TAG_UNKNOWN/,
  });
});

test('locked tags and manifests refuse to be written or deleted, until they are unlocked', async (t) => {
  const sandbox = await startTestSandbox(t);
  const registry = loopbackOf(sandbox, 'sensitive');
  const [image, other] = [makeImage(), makeImage()];
  await registry.push(repository, image, 'v1');
  await registry.push(repository, other, 'v2');
  const artifact = sdkOf(t, sandbox, 'inside').metadata().getArtifact(repository, 'v1');
  const locked = await artifact.updateTagProperties('v1', { canDelete: false, canWrite: false });
  t.false(locked.canWrite);
  t.false((await artifact.updateManifestProperties({ canDelete: false, canWrite: false })).canDelete);
  const expect = async (response: Promise<Response>, status: number) => {
    const { status: found, text } = await response.then(async (r) => ({
      status: r.status,
      text: await r.text(),
    }));
    t.is(found, status);
    if (status === 405) t.regex(text, /REGISTRY_DISALLOWED_OPERATION/);
  };
  await expect(registry.putManifest(repository, 'v1', other), 405);
  await expect(registry.putManifest(repository, 'v1', image), 405);
  await expect(registry.putManifest(repository, 'v3', image), 405);
  await expect(registry.call(`/v2/${repository}/manifests/${image.digest}`, { method: 'DELETE' }), 405);
  await expect(registry.call(`/acr/v1/${repository}/_tags/v1`, { method: 'DELETE' }), 405);
  // What refers to a locked manifest is another manifest.
  await registry.push(repository, makeReferrer(image, 'application/vnd.test', {}));
  await expect(registry.putManifest(repository, 'v2', other), 201);
  await artifact.updateTagProperties('v1', { canDelete: true, canWrite: true });
  await artifact.updateManifestProperties({ canDelete: true, canWrite: true });
  await expect(registry.putManifest(repository, 'v1', other), 201);
});

test('a locked repository takes nothing', async (t) => {
  const sandbox = await startTestSandbox(t);
  const registry = loopbackOf(sandbox, 'sensitive');
  await registry.push(repository, makeImage(), 'v1');
  const client = sdkOf(t, sandbox, 'inside').metadata().getRepository(repository);
  await client.updateProperties({ canWrite: false });
  t.is((await registry.call(`/v2/${repository}/blobs/uploads/`, { method: 'POST' })).status, 405);
});

test('the SDK is told when the identity lacks the role', async (t) => {
  const sandbox = await startTestSandbox(t);
  await loopbackOf(sandbox, 'nonsensitive').push(repository, makeImage(), 'v1');
  const { roles } = sandbox.context;
  roles.replace([{ identity: 'outside-promoter', role: 'AcrPull', scope: registries.nonsensitive.id }]);
  const { content, metadata } = sdkOf(t, sandbox, 'outside');
  t.is((await content(repository).getManifest('v1')).mediaType, makeImage().mediaType);
  await t.throwsAsync(content(repository).uploadBlob(Buffer.from('x')), { message: /UNAUTHORIZED/ });
  const artifact = metadata().getArtifact(repository, 'v1');
  await t.throwsAsync(artifact.updateTagProperties('v1', { canWrite: false }), { message: /UNAUTHORIZED/ });
});
