import test from 'ava';
import { createDatastore } from '../../../src/adapters/aml/datastore.ts';
import { parseDatastoreUri } from '../../../src/adapters/aml/default-datastore.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { workspace } from '../../../sandbox/topology.ts';
import { startWorkspace } from './start.ts';

const bytes = Buffer.from('age,churned\n42,1\n');
const path = 'amlpromote/smoke-inputs/abc/churn.csv';
const uri = `azureml://datastores/workspaceblobstore/paths/${path}`;

test('bytes go to the default datastore and are found there', async (t) => {
  const { as, sandbox } = await startWorkspace(t);
  const datastore = createDatastore(as());
  t.is(await datastore.upload(path, bytes), uri);
  t.is(sandbox.context.workspace.blobs.get(workspace.datastore.container, path)?.size, bytes.length);
  const files = await datastore.readOutput(uri, 1000);
  t.deepEqual([...files!], [['churn.csv', bytes]]);
});

test('the same content again is done, other content is INTEGRITY_MISMATCH', async (t) => {
  const { as } = await startWorkspace(t);
  await createDatastore(as()).upload(path, bytes);
  const datastore = createDatastore(as());
  t.is(await datastore.upload(path, bytes), uri);
  for (const other of [Buffer.from('age,churned\n42,0\n'), Buffer.from('short')]) {
    const error = await t.throwsAsync(datastore.upload(path, other), { instanceOf: AmlpromoteError });
    t.is(error.code, 'INTEGRITY_MISMATCH');
  }
  t.deepEqual((await datastore.readOutput(uri, 1000))?.get('churn.csv'), bytes);
});

test('an output folder is listed relative to itself, and capped', async (t) => {
  const { as } = await startWorkspace(t);
  const datastore = createDatastore(as());
  await datastore.upload('azureml/job/model/a.bin', Buffer.alloc(100, 'a'));
  await datastore.upload('azureml/job/model/sub/b.bin', Buffer.alloc(100, 'b'));
  await datastore.upload('azureml/job/model2/c.bin', Buffer.alloc(100, 'c'));
  for (const place of ['azureml/job/model', 'azureml/job/model/']) {
    const files = await datastore.readOutput(`azureml://datastores/workspaceblobstore/paths/${place}`, 150);
    t.deepEqual(
      [...files!].map(([name, content]) => [name, content.byteLength]),
      [
        ['a.bin', 100],
        ['sub/b.bin', 50],
      ],
    );
  }
});

test('without the right to write: FORBIDDEN with the role; from outside: NETWORK_DENIED', async (t) => {
  const { as, sandbox } = await startWorkspace(t);
  sandbox.context.faults.add({
    host: 'blob\\.core',
    method: 'PUT',
    count: 1,
    action: {
      kind: 'status',
      status: 403,
      headers: { 'x-ms-error-code': 'AuthorizationPermissionMismatch' },
    },
  });
  const role = await t.throwsAsync(createDatastore(as()).upload(path, bytes), {
    instanceOf: AmlpromoteError,
  });
  t.is(role.code, 'FORBIDDEN');
  t.regex(role.nextSteps.join(' '), /Storage Blob Data Contributor/);
  const outside = await t.throwsAsync(createDatastore(as({ vantage: 'outside' })).upload(path, bytes), {
    instanceOf: AmlpromoteError,
  });
  t.is(outside.code, 'NETWORK_DENIED');
});

test('outputs that may not be read are undefined', async (t) => {
  const { as } = await startWorkspace(t);
  await createDatastore(as()).upload(path, bytes);
  t.is(await createDatastore(as({ vantage: 'outside' })).readOutput(uri, 10), undefined);
  t.is(await createDatastore(as({ identity: 'outside-promoter' })).readOutput(uri, 10), undefined);
  const datastore = createDatastore(as());
  t.is(await datastore.readOutput('azureml://datastores/nope/paths/x', 10), undefined);
  t.is(await datastore.readOutput('https://evil.test/x', 10), undefined);
});

test('datastore URIs: the short and the long form, nothing else', (t) => {
  const place = { datastore: 'workspaceblobstore', path: 'a/b/' };
  t.deepEqual(parseDatastoreUri('azureml://datastores/workspaceblobstore/paths/a/b/'), place);
  t.deepEqual(
    parseDatastoreUri(
      'azureml://subscriptions/s/resourcegroups/rg/workspaces/ws/datastores/workspaceblobstore/paths/a/b/',
    ),
    place,
  );
  for (const bad of ['azureml://datastores/a/paths/', 'azureml://datastores/a/paths/../x', 'azureml:x:1']) {
    t.is(parseDatastoreUri(bad), undefined, bad);
  }
});
