import test from 'ava';
import { workspace } from '../../topology.ts';
import { raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

interface Job {
  readonly properties: {
    readonly outputs: Record<string, unknown>;
    readonly codeId: unknown;
    readonly inputs: Record<string, unknown>;
    readonly tags: object;
  };
  readonly error: { readonly message: string };
}

const image = `contososec.azurecr.io/ml/x@sha256:${'a'.repeat(64)}`;
const job = {
  jobType: 'Command',
  command: 'cat ${{inputs.data}} > ${{outputs.model}}/x',
  environmentId: `${workspace.id}/environments/x/versions/1`,
  computeId: workspace.compute.id,
  outputs: { model: { jobOutputType: 'uri_folder' } },
  inputs: { data: { jobInputType: 'uri_file', uri: `${workspace.id}/data/churn/versions/1` } },
};
const dataUri = 'azureml://datastores/workspaceblobstore/paths/LocalUpload/1/churn.csv';
const put = (sandbox: AmlSandbox, path: string, properties: object) =>
  raw(sandbox, path, { method: 'PUT', body: { properties } });

async function start(t: Parameters<typeof startAmlSandbox>[0]): Promise<AmlSandbox> {
  const sandbox = await startAmlSandbox(t);
  await put(sandbox, '/environments/x/versions/1', { image });
  await put(sandbox, '/data/churn/versions/1', { dataUri, dataType: 'uri_file' });
  await put(sandbox, '/codes/src/versions/1', {
    codeUri: 'https://stcontososec.blob.core.windows.net/c/src',
  });
  return sandbox;
}

for (const apiVersion of ['2022-10-01', '2023-04-01-preview', '2024-10-01', '2026-05-01'])
  test(`a job can be PUT as GET showed it, with a new tag (${apiVersion})`, async (t) => {
    const sandbox = await start(t);
    t.is(
      (await put(sandbox, '/jobs/one', { ...job, codeId: `${workspace.id}/codes/src/versions/1` })).status,
      201,
    );
    const shown = (await raw(sandbox, '/jobs/one', { apiVersion })).body as Job;
    t.true('default' in shown.properties.outputs);
    const again = await raw(sandbox, '/jobs/one', {
      method: 'PUT',
      apiVersion,
      body: { ...shown, properties: { ...shown.properties, tags: { ...shown.properties.tags, new: '1' } } },
    });
    t.is(again.status, 200, JSON.stringify(again.body));
    t.deepEqual((again.body as Job).properties.outputs, shown.properties.outputs);
    t.like((again.body as Job).properties.tags, { new: '1' });
  });

test('an output of the name `default` that is somewhere else is refused', async (t) => {
  const sandbox = await start(t);
  const uri = 'azureml://datastores/workspaceblobstore/paths/mine/';
  const answer = await put(sandbox, '/jobs/one', {
    ...job,
    outputs: { ...job.outputs, default: { jobOutputType: 'uri_folder', uri } },
  });
  t.is(answer.status, 400);
});

for (const [title, change, message] of [
  ['code', { codeId: `${workspace.id}/codes/src/versions/2` }, /Code .* does not exist/],
  ['code of another workspace', { codeId: '/subscriptions/x/codes/src/versions/1' }, /does not exist/],
  [
    'data',
    { inputs: { data: { jobInputType: 'uri_file', uri: `${workspace.id}/data/churn/versions/9` } } },
    /not in a datastore/,
  ],
] as const)
  test(`a job with ${title} that is not there is refused`, async (t) => {
    const answer = await put(await start(t), '/jobs/one', { ...job, ...change });
    t.is(answer.status, 400);
    t.regex((answer.body as Job).error.message, message);
  });

test('the data plane resolves registered data, models and outputs of jobs', async (t) => {
  const sandbox = await start(t);
  await put(sandbox, '/jobs/one', job);
  await put(sandbox, '/models/churn/versions/3', { modelUri: dataUri, modelType: 'custom_model' });
  const run = await raw(sandbox, `https://${workspace.apiHost}/history/v1.0${workspace.id}/runs/one`);
  const { outputs } = run.body as { outputs: Record<string, { assetId: string; type: string }> };
  t.is(outputs.model?.type, 'UriFolder');
  const long = `azureml://subscriptions/${workspace.subscription}/resourcegroups/${workspace.resourceGroup}/workspaces/${workspace.name}/datastores/workspaceblobstore/paths`;
  const resolve = (path: string, values: unknown) =>
    raw(sandbox, `https://${workspace.apiHost}${path}`, { method: 'POST', body: { values } });
  const data = `/data/v1.0${workspace.id}/dataversion/batchGetResolvedUris`;
  const id = `azureml://locations/japaneast/workspaces/${workspace.guid}/data/churn/versions/1`;
  const ids = [outputs.model!.assetId, id, `${workspace.id}/data/churn/versions/1`, 'azureml:churn:1'];
  const found = { uri: `${long}/LocalUpload/1/churn.csv`, type: 'UriFile' };
  t.deepEqual((await resolve(data, ids)).body, {
    values: {
      [ids[0]!]: { uri: `${long}/azureml/one/model/`, type: 'UriFolder' },
      [ids[1]!]: found,
      [ids[2]!]: found,
      [ids[3]!]: found,
    },
  });
  const models = `/modelregistry/v1.0${workspace.id}/models/batchGetResolvedUris`;
  const model = `azureml://locations/japaneast/workspaces/${workspace.guid}/models/churn/versions/3`;
  t.deepEqual((await resolve(models, [model])).body, {
    values: { [model]: { path: found.uri, type: 'custom_model' } },
  });
  t.is((await resolve(data, ['azureml:none:1'])).status, 404);
  t.is((await resolve(data, 'x')).status, 400);
  t.is((await resolve(data, [outputs.model!.assetId.replace('_model', '_constructor')])).status, 404);
});
