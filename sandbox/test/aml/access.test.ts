import { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import test from 'ava';
import { storage, workspace } from '../../topology.ts';
import { blobClient, raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

const secrets = (sandbox: AmlSandbox, name: string, body?: object) =>
  raw(sandbox, `/datastores/${name}/listSecrets`, { method: 'POST', ...(body && { body }) });
const options = (sandbox: AmlSandbox): object => ({ agent: sandbox.agent(), retryOptions: { maxTries: 1 } });

test('a datastore gives a signature that expires: read, write and list in its container, no more', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const answer = await secrets(sandbox, 'workspaceblobstore', { expirableSecret: true, expireAfterHours: 1 });
  const { secretsType, sasToken } = answer.body as { secretsType: string; sasToken: string };
  t.deepEqual([answer.status, secretsType], [200, 'Sas']);
  const client = new BlobServiceClient(
    `https://${storage.blobHost}?${sasToken}`,
    undefined,
    options(sandbox),
  );
  const container = client.getContainerClient(workspace.datastore.container);
  await container.getBlockBlobClient('a/b').uploadData(Buffer.from('hello'));
  t.is((await container.getBlobClient('a/b').downloadToBuffer()).toString(), 'hello');
  const listed = [];
  for await (const { name } of container.listBlobsFlat()) listed.push(name);
  t.deepEqual(listed, ['a/b']);
  await t.throwsAsync(container.getBlobClient('a/b').delete(), {
    message: /AuthorizationPermissionMismatch|not authorized/,
  });
  await t.throwsAsync(
    client.getContainerClient('azureml').getBlockBlobClient('x').uploadData(Buffer.from('x')),
  );
  await t.throwsAsync(client.createContainer('mine'));
});

for (const [title, name, body, status] of [
  ['a secret for ever', 'workspaceblobstore', undefined, 400],
  ['a secret for ever, said so', 'workspaceblobstore', { expirableSecret: false }, 400],
  ['a datastore that is not there', 'other', { expirableSecret: true }, 404],
  ['a name of Object.prototype', 'constructor', { expirableSecret: true }, 404],
] as const)
  test(`no secrets: ${title}`, async (t) => {
    const sandbox = await startAmlSandbox(t);
    t.is((await secrets(sandbox, name, body)).status, status);
  });

test('an upload gets a container of its own; its signature ends there and in time', async (t) => {
  let now = new Date();
  const sandbox = await startAmlSandbox(t, { clock: { now: () => now } });
  const start = async (version: string) => {
    const answer = await raw(sandbox, `/codes/src/versions/${version}/startPendingUpload`, {
      method: 'POST',
      body: { pendingUploadType: 'TemporaryBlobReference' },
    });
    return (
      answer.body as {
        blobReferenceForConsumption: { blobUri: string; credential: { sasUri: string } };
      }
    ).blobReferenceForConsumption;
  };
  const first = await start('1');
  const second = await start('2');
  t.not(first.blobUri, second.blobUri);
  const container = new ContainerClient(first.credential.sasUri, undefined, options(sandbox));
  await container.getBlockBlobClient('main.py').uploadData(Buffer.from('print(1)'));
  const [, query = ''] = first.credential.sasUri.split('?');
  const foreign = new ContainerClient(`${second.blobUri}?${query}`, undefined, options(sandbox));
  await t.throwsAsync(foreign.getBlockBlobClient('main.py').uploadData(Buffer.from('evil')));
  now = new Date(now.getTime() + 25 * 3600_000);
  await t.throwsAsync(container.getBlockBlobClient('late').uploadData(Buffer.from('x')));
});

test('metadata of a blob is replaced, kept with the content, and listed when asked for', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const container = blobClient(sandbox).getContainerClient(workspace.datastore.container);
  const blob = container.getBlockBlobClient('x');
  await blob.uploadData(Buffer.from('hello'), { metadata: { old: '1' } });
  const before = await blob.getProperties();
  await blob.setMetadata({ name: 'a<b', version: '1' });
  const after = await blob.getProperties();
  t.deepEqual(after.metadata, { name: 'a<b', version: '1' });
  t.not(after.etag, before.etag);
  t.is((await blob.downloadToBuffer()).toString(), 'hello');
  const listed = [];
  for await (const { metadata } of container.listBlobsFlat({ includeMetadata: true })) listed.push(metadata);
  t.deepEqual(listed, [{ name: 'a<b', version: '1' }]);
  for await (const { metadata } of container.listBlobsFlat()) t.is(metadata, undefined);
  await t.throwsAsync(blob.setMetadata({ 'a-b': 'x' }), {
    message: /InvalidMetadata|metadata specified is invalid/,
  });
  await t.throwsAsync(blob.setMetadata({ a: 'x' }, { conditions: { ifMatch: before.etag! } }), {
    message: /condition/i,
  });
  await blob.setHTTPHeaders({ blobContentType: 'text/csv' });
  t.like(await blob.getProperties(), { contentType: 'text/csv', metadata: { name: 'a<b', version: '1' } });
  const { sandbox: again } = await restarted(t, sandbox);
  const kept = blobClient(again).getContainerClient(workspace.datastore.container).getBlobClient('x');
  t.like(await kept.getProperties(), { contentType: 'text/csv', metadata: { name: 'a<b', version: '1' } });
});

async function restarted(t: Parameters<typeof startAmlSandbox>[0], sandbox: AmlSandbox) {
  await sandbox.stop();
  return { sandbox: await startAmlSandbox(t, { directory: sandbox.directory }) };
}
