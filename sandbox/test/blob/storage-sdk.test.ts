import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createDefaultHttpClient, createPipelineRequest } from '@azure/core-rest-pipeline';
import type { RestError } from '@azure/storage-blob';
import { generateBlobSASQueryParameters, BlobSASPermissions } from '@azure/storage-blob';
import { workspace } from '../../topology.ts';
import { blobClient } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

const store = workspace.datastore.container;
const container = (sandbox: AmlSandbox) => blobClient(sandbox).getContainerClient(store);

test('a small upload is one Put Blob, read back whole, in part and by its properties', async (t) => {
  const blob = container(await startAmlSandbox(t)).getBlockBlobClient('smoke/churn data.csv');
  const { etag } = await blob.uploadData(Buffer.from('0123456789'), {
    blobHTTPHeaders: { blobContentType: 'text/csv' },
    metadata: { team: 'churn' },
  });
  t.is((await blob.downloadToBuffer()).toString(), '0123456789');
  t.is((await blob.downloadToBuffer(3, 4)).toString(), '3456');
  t.like(await blob.getProperties(), {
    contentLength: 10,
    contentType: 'text/csv',
    metadata: { team: 'churn' },
    etag,
    blobType: 'BlockBlob',
  });
  t.true(await blob.exists());
  await blob.delete();
  t.false(await blob.exists());
});

test('a big upload goes in blocks and comes back the same', async (t) => {
  const blob = container(await startAmlSandbox(t)).getBlockBlobClient('big');
  const bytes = randomBytes(3 * 1024 * 1024 + 17);
  await blob.uploadData(bytes, { maxSingleShotSize: 1024, blockSize: 1024 * 1024, concurrency: 3 });
  t.is((await blob.getProperties()).contentLength, bytes.length);
  t.true((await blob.downloadToBuffer(0, undefined, { blockSize: 1024 * 1024 })).equals(bytes));
});

test('an empty blob', async (t) => {
  const blob = container(await startAmlSandbox(t)).getBlockBlobClient('empty');
  await blob.uploadData(Buffer.alloc(0));
  t.is((await blob.getProperties()).contentLength, 0);
  const { readableStreamBody } = await blob.download();
  const chunks = [];
  for await (const chunk of readableStreamBody ?? []) chunks.push(chunk);
  t.is(chunks.join(''), '');
});

test('lists are flat or by folder, in pages, with names that need escaping', async (t) => {
  const client = container(await startAmlSandbox(t));
  const wanted = ['a/1', 'a/2', 'a/b/3', 'a & <b>', 'z'];
  for (const name of wanted) await client.getBlockBlobClient(name).uploadData(Buffer.from(name));
  const flat: string[] = [];
  for await (const page of client.listBlobsFlat().byPage({ maxPageSize: 2 }))
    flat.push(...page.segment.blobItems.map(({ name }) => name));
  t.deepEqual(flat.sort(), wanted.sort());
  const folder: string[] = [];
  for await (const item of client.listBlobsByHierarchy('/', { prefix: 'a/' }))
    folder.push(`${item.kind} ${item.name}`);
  t.deepEqual(folder, ['prefix a/b/', 'blob a/1', 'blob a/2']);
});

const failsWith = test.macro({
  exec: async (t, status: number, code: string, act: (sandbox: AmlSandbox) => Promise<unknown>) => {
    const error = await t.throwsAsync<RestError>(act(await startAmlSandbox(t)));
    t.is(error.statusCode, status);
    t.is(error.code, code);
  },
  title: (name = '') => `refused: ${name}`,
});
test('a blob that is not there', failsWith, 404, 'BlobNotFound', (sandbox) =>
  container(sandbox).getBlobClient('nope').downloadToBuffer(0, 1),
);
test('a container that is not there', failsWith, 404, 'ContainerNotFound', (sandbox) =>
  blobClient(sandbox).getContainerClient('nope').getBlockBlobClient('x').uploadData(Buffer.from('x')),
);
test('from outside, by the storage firewall', failsWith, 403, 'AuthorizationFailure', (sandbox) =>
  blobClient(sandbox, { vantage: 'outside' }).getContainerClient(store).getBlobClient('x').download(),
);
test('an identity without a role', failsWith, 403, 'AuthorizationPermissionMismatch', (sandbox) =>
  blobClient(sandbox, { identity: 'outside-promoter' })
    .getContainerClient(store)
    .getBlobClient('x')
    .download(),
);
test('a blob that exists, when it must not', failsWith, 409, 'BlobAlreadyExists', async (sandbox) => {
  const blob = container(sandbox).getBlockBlobClient('x');
  await blob.uploadData(Buffer.from('1'));
  await blob.uploadData(Buffer.from('2'), { conditions: { ifNoneMatch: '*' } });
});
test('a blob that has changed meanwhile', failsWith, 412, 'ConditionNotMet', async (sandbox) => {
  const blob = container(sandbox).getBlockBlobClient('x');
  await blob.uploadData(Buffer.from('1'));
  await blob.uploadData(Buffer.from('2'), { conditions: { ifMatch: '"0x1"' } });
});
test('a range behind the end', failsWith, 416, 'InvalidRange', async (sandbox) => {
  const blob = container(sandbox).getBlockBlobClient('x');
  await blob.uploadData(Buffer.from('1'));
  await blob.download(5, 1);
});
test('a block list with a block that was never put', failsWith, 400, 'InvalidBlockList', (sandbox) =>
  container(sandbox)
    .getBlockBlobClient('x')
    .commitBlockList([Buffer.from('1').toString('base64')]),
);
test('content that is not what its MD5 says', failsWith, 400, 'Md5Mismatch', (sandbox) =>
  container(sandbox)
    .getBlockBlobClient('x')
    .upload('x', 1, { blobHTTPHeaders: { blobContentMD5: Buffer.alloc(16) } }),
);

test('a container is made once', async (t) => {
  const client = blobClient(await startAmlSandbox(t)).getContainerClient('results-2026');
  t.true((await client.createIfNotExists()).succeeded);
  t.false((await client.createIfNotExists()).succeeded);
  t.true(await client.exists());
});

/** The status of a GET without any token. */
async function statusOf(sandbox: AmlSandbox, url: string): Promise<number> {
  const request = createPipelineRequest({ url });
  request.agent = sandbox.agent();
  return (await createDefaultHttpClient().sendRequest(request)).status;
}

test('a signed URL opens its blob, unchanged, for its time', async (t) => {
  let now = Date.now();
  const sandbox = await startAmlSandbox(t, { clock: { now: () => new Date(now) } });
  await container(sandbox).getBlockBlobClient('a b').uploadData(Buffer.from('x'));
  await container(sandbox).getBlockBlobClient('other').uploadData(Buffer.from('x'));
  const url = sandbox.context.workspace.access.sign(store, 'a b', new Date(now + 60_000));
  t.is(await statusOf(sandbox, url), 200);
  t.is(await statusOf(sandbox, url.replace('a%20b', 'other')), 403);
  t.is(await statusOf(sandbox, url.replace('sp=r', 'sp=rw')), 403);
  t.is(await statusOf(sandbox, url.replace(/se=[^&]+/, 'se=2099-01-01T00%3A00%3A00Z')), 403);
  t.is(await statusOf(sandbox, url.split('?')[0] ?? ''), 401);
  now += 61_000;
  t.is(await statusOf(sandbox, url), 403);
});

test('a URL that the real SDK signs with the delegation key is accepted', async (t) => {
  const sandbox = await startAmlSandbox(t);
  await container(sandbox).getBlockBlobClient('a b').uploadData(Buffer.from('x'));
  const start = new Date(Date.now() - 60_000);
  const end = new Date(Date.now() + 60_000);
  const query = generateBlobSASQueryParameters(
    {
      containerName: store,
      blobName: 'a b',
      permissions: BlobSASPermissions.parse('r'),
      startsOn: start,
      expiresOn: end,
      version: '2022-11-02',
    },
    {
      signedObjectId: '00000000-0000-4000-8000-000000000001',
      signedTenantId: '00000000-0000-4000-8000-000000000002',
      signedStartsOn: start,
      signedExpiresOn: end,
      signedService: 'b',
      signedVersion: '2022-11-02',
      value: readFileSync(join(sandbox.context.stateDirectory, 'aml', 'delegation.key')).toString('base64'),
    },
    'stcontososec',
  );
  const blob = `https://stcontososec.blob.core.windows.net/${store}/a%20b`;
  t.is(await statusOf(sandbox, `${blob}?${query.toString()}`), 200);
});

test('blobs survive a restart', async (t) => {
  const first = await startAmlSandbox(t);
  await container(first).getBlockBlobClient('kept').uploadData(Buffer.from('kept'));
  first.context.workspace.blobs.append(store, 'log', Buffer.from('one '));
  first.context.workspace.blobs.append(store, 'log', Buffer.from('two'));
  await first.stop();
  const second = await startAmlSandbox(t, { directory: first.directory });
  t.is((await container(second).getBlobClient('kept').downloadToBuffer()).toString(), 'kept');
  t.is((await container(second).getBlobClient('log').downloadToBuffer()).toString(), 'one two');
});
