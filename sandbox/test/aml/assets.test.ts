import test from 'ava';
import { storage, workspace } from '../../topology.ts';
import { raw } from '../../../test/support/aml-clients.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

interface Body {
  readonly id: string;
  readonly properties: Record<string, unknown>;
  readonly value: { readonly name: string; readonly properties: Record<string, unknown> }[];
  readonly error: { readonly code: string; readonly message: string };
}
const body = (answer: { body: unknown }): Body => answer.body as Body;
const names = (answer: { body: unknown }): string[] => body(answer).value.map(({ name }) => name);

const uri = 'azureml://datastores/workspaceblobstore/paths/LocalUpload/1/x';
const kinds = [
  ['data', { dataUri: uri, dataType: 'uri_file' }, { dataUri: `${uri}2`, dataType: 'uri_file' }],
  ['models', { modelUri: uri, modelType: 'custom_model' }, { modelUri: `${uri}2` }],
  [
    'codes',
    { codeUri: `https://${storage.blobHost}/container/src` },
    { codeUri: `https://${storage.blobHost}/container/other` },
  ],
] as const;

for (const [kind, properties, other] of kinds) {
  test(`${kind}: made, shown, listed, archived, never repointed, deleted`, async (t) => {
    const sandbox = await startAmlSandbox(t);
    const put = (path: string, change: object) =>
      raw(sandbox, `/${kind}/${path}`, { method: 'PUT', body: { properties: change } });
    t.is((await put('churn/versions/1', properties)).status, 201);
    t.is((await put('churn/versions/2', { ...properties, tags: { a: 'b' } })).status, 201);
    const one = body(await raw(sandbox, `/${kind}/churn/versions/2`));
    t.is(one.id, `${workspace.id}/${kind}/churn/versions/2`);
    t.like(one.properties, { ...properties, tags: { a: 'b' }, isArchived: false, isAnonymous: false });
    t.deepEqual(names(await raw(sandbox, `/${kind}/churn/versions`)).sort(), ['1', '2']);
    t.like(body(await raw(sandbox, `/${kind}/churn`)).properties, { latestVersion: '2', nextVersion: '3' });

    const conflict = await put('churn/versions/1', { ...properties, ...other });
    t.is(conflict.status, 409);
    t.is(body(conflict).error.message, 'Asset paths cannot be updated.');

    t.is((await put('churn/versions/1', { ...properties, isArchived: true })).status, 200);
    t.deepEqual(names(await raw(sandbox, `/${kind}/churn/versions`)), ['2']);
    t.deepEqual(
      names(await raw(sandbox, `/${kind}/churn/versions`, { query: 'listViewType=All' })).length,
      2,
    );
    t.is((await put('churn', { ...properties, isArchived: true })).status, 200);
    t.deepEqual(names(await raw(sandbox, `/${kind}`)), []);

    const remove = (path: string) => raw(sandbox, `/${kind}/${path}`, { method: 'DELETE' });
    t.is((await remove('churn/versions/1')).status, 200);
    t.is((await remove('churn/versions/1')).status, 204);
    t.is((await raw(sandbox, `/${kind}/churn/versions/1`)).status, 404);
    t.is((await remove('churn')).status, 200);
    t.is((await raw(sandbox, `/${kind}/churn/versions/2`)).status, 404);
  });

  test(`${kind}: survive a restart; who may not write is refused`, async (t) => {
    const sandbox = await startAmlSandbox(t);
    const path = `/${kind}/churn/versions/1`;
    await raw(sandbox, path, { method: 'PUT', body: { properties } });
    const denied = await raw(sandbox, path, { method: 'DELETE', identity: 'outside-promoter' });
    t.is(denied.status, 403);
    await sandbox.stop();
    const again = await startAmlSandbox(t, { directory: sandbox.directory });
    t.is((await raw(again, path)).status, 200);
  });
}

for (const [title, kind, properties, message] of [
  ['no path', 'models', {}, /modelUri field is required/],
  [
    'a path elsewhere',
    'data',
    { dataUri: 'https://example.test/x', dataType: 'uri_file' },
    /not in a datastore/,
  ],
  [
    'a path that climbs',
    'codes',
    { codeUri: `https://${storage.blobHost}/c/../x/%2e%2e/y/..` },
    /required|not in/,
  ],
  ['an unknown type of data', 'data', { dataUri: uri, dataType: 'mltable' }, /type 'mltable'/],
] as const)
  test(`refused: ${title}`, async (t) => {
    const sandbox = await startAmlSandbox(t);
    const answer = await raw(sandbox, `/${kind}/x/versions/1`, { method: 'PUT', body: { properties } });
    t.is(answer.status, 400);
    t.regex(body(answer).error.message, message);
  });

test('code is found by the hash that its first upload told, which may be a number', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const properties = {
    codeUri: `https://${storage.blobHost}/c/src`,
    properties: { hash_sha256: 'ab', hash_version: 202208 },
  };
  t.is((await raw(sandbox, '/codes/n/versions/1', { method: 'PUT', body: { properties } })).status, 201);
  const ask = async (query: string) => names(await raw(sandbox, '/codes/n/versions', { query }));
  t.deepEqual(await ask('hash=ab&hashVersion=202208'), ['1']);
  t.deepEqual(await ask('hash=ac&hashVersion=202208'), []);
  t.deepEqual(names(await raw(sandbox, '/codes/other/versions', { query: 'hash=ab' })), ['1']);
  t.is((await raw(sandbox, '/codes/other/versions')).status, 404);
  t.deepEqual(names(await raw(sandbox, '/codes/never/versions', { query: 'hash=ad' })), []);
});

test('environments and jobs are deleted, a running job is not', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const { environments, jobs } = sandbox.context.workspace;
  const image = `contososec.azurecr.io/ml/x@sha256:${'a'.repeat(64)}`;
  await raw(sandbox, '/environments/x/versions/1', { method: 'PUT', body: { properties: { image } } });
  await raw(sandbox, '/jobs/one', {
    method: 'PUT',
    body: {
      properties: {
        jobType: 'Command',
        command: 'true',
        environmentId: `${workspace.id}/environments/x/versions/1`,
        computeId: workspace.compute.id,
      },
    },
  });
  const remove = (path: string) => raw(sandbox, path, { method: 'DELETE' });
  jobs.put({ ...jobs.get('one')!, status: 'Running' });
  t.is((await remove('/jobs/one')).status, 400);
  jobs.put({ ...jobs.get('one')!, status: 'Completed' });
  t.is((await remove('/jobs/one')).status, 200);
  t.is((await raw(sandbox, '/jobs/one')).status, 404);
  t.is((await remove('/jobs/one')).status, 204);
  t.is((await remove('/environments/x/versions/1')).status, 200);
  t.is(environments.version('x', '1'), undefined);
  t.is((await remove('/environments/x')).status, 200);
  t.is((await raw(sandbox, '/environments/x')).status, 404);
});

test('fields of assets follow the api-version', async (t) => {
  const sandbox = await startAmlSandbox(t);
  for (const [kind, properties] of kinds)
    await raw(sandbox, `/${kind}/x/versions/1`, { method: 'PUT', body: { properties } });
  const keys = async (path: string, apiVersion: string) =>
    Object.keys(body(await raw(sandbox, path, { apiVersion })).properties);
  t.false((await keys('/models/x/versions/1', '2022-10-01')).includes('stage'));
  t.true((await keys('/models/x/versions/1', '2022-10-01-preview')).includes('provisioningState'));
  t.true((await keys('/models/x/versions/1', '2024-04-01')).includes('stage'));
  t.false((await keys('/data/x/versions/1', '2024-04-01')).includes('stage'));
  t.false((await keys('/datastores/workspaceblobstore', '2022-10-01')).includes('resourceGroup'));
  const [listed] = body(await raw(sandbox, '/datastores', { apiVersion: '2022-10-01' })).value;
  t.false('resourceGroup' in listed!.properties);
  t.false('kind' in body(await raw(sandbox, '', { apiVersion: '2022-10-01' })));
});
