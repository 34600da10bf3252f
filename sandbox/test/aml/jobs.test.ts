import test from 'ava';
import type { ExecutionContext } from 'ava';
import { workspace } from '../../topology.ts';
import { mlClient, raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

interface Job {
  readonly name: string;
  readonly properties: Record<string, unknown> & {
    readonly status: string;
    readonly inputs: Record<string, unknown>;
    readonly outputs: Record<string, unknown>;
  };
  readonly error: { readonly code: string; readonly message: string };
}

const environmentId = `${workspace.id}/environments/churn/versions/1`;
const image = `contososec.azurecr.io/ml/churn@sha256:${'a'.repeat(64)}`;
const valid = {
  jobType: 'Command',
  command: 'python train.py --data ${{inputs.data}} --out ${{outputs.model}}',
  environmentId,
  computeId: workspace.compute.id,
  experimentName: 'smoke',
  inputs: {
    data: { jobInputType: 'uri_file', uri: 'azureml://datastores/workspaceblobstore/paths/smoke/churn.csv' },
  },
  outputs: { model: { jobOutputType: 'uri_folder' } },
  limits: { jobLimitsType: 'Command', timeout: 'PT10M' },
};

/** No engine: jobs are accepted, and fail when their turn comes. */
async function start(t: ExecutionContext): Promise<AmlSandbox> {
  const sandbox = await startAmlSandbox(t);
  await raw(sandbox, '/environments/churn/versions/1', { method: 'PUT', body: { properties: { image } } });
  return sandbox;
}
const put = (sandbox: AmlSandbox, name: string, properties: object) =>
  raw(sandbox, `/jobs/${name}`, { method: 'PUT', body: { properties } });
const read = async (sandbox: AmlSandbox, name: string): Promise<Job> =>
  (await raw(sandbox, `/jobs/${name}`)).body as Job;
const errorOf = async (sandbox: AmlSandbox, name: string): Promise<string> => {
  const path = `https://${workspace.regionalHost}/history/v1.0${workspace.id}/experiments/smoke/runs/${name}/details`;
  const { error } = (await raw(sandbox, path)).body as { error: { error: { message: string } } };
  return error.error.message;
};
/** A job that waits for ever, for what happens meanwhile. */
const neverStarts = (sandbox: AmlSandbox): void =>
  void sandbox.context.faults.add({ method: 'PUT', path: '/jobs/', action: { kind: 'endless-operation' } });

test('a raw job keeps its typed inputs and outputs, and tells where the output will be', async (t) => {
  const sandbox = await start(t);
  neverStarts(sandbox);
  const { status, body } = await put(sandbox, 'smoke-1', valid);
  t.is(status, 201);
  const { properties } = body as Job;
  t.like(properties.inputs, { data: { ...valid.inputs.data, mode: 'ReadOnlyMount' } });
  t.like(properties.outputs, {
    model: {
      jobOutputType: 'uri_folder',
      uri: 'azureml://datastores/workspaceblobstore/paths/azureml/smoke-1/model/',
    },
    default: { uri: 'azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.smoke-1' },
  });
  t.like(properties, {
    command: valid.command,
    environmentId,
    limits: valid.limits,
    experimentName: 'smoke',
  });
});

test("the SDK's own job call loses the uri of an input, and is told so", async (t) => {
  const sandbox = await start(t);
  const { jobs } = mlClient(sandbox);
  await t.throwsAsync(
    jobs.createOrUpdate(workspace.resourceGroup, workspace.name, 'smoke-1', { properties: valid }),
    { message: /The uri field is required/ },
  );
});

test('the same job again is the same job; other content under its name is refused', async (t) => {
  const sandbox = await start(t);
  neverStarts(sandbox);
  await put(sandbox, 'smoke-1', valid);
  const again = await put(sandbox, 'smoke-1', { ...valid, tags: { run: '2' } });
  t.is(again.status, 200);
  const changed = await put(sandbox, 'smoke-1', { ...valid, command: 'true ${{inputs.data}}' });
  t.is(changed.status, 400);
  t.regex(
    (changed.body as Job).error.message,
    /A job with this name already exists\..*existing job's Command cannot/,
  );
  t.is((await read(sandbox, 'smoke-1')).properties.command, valid.command);
});

const refused = test.macro({
  exec: async (t, change: object, message: RegExp) => {
    const sandbox = await start(t);
    const { status, body } = await put(sandbox, 'smoke-1', { ...valid, ...change });
    t.is(status, 400);
    t.is((body as Job).error.code, 'UserError');
    t.regex((body as Job).error.message, message);
    t.is((await raw(sandbox, '/jobs/smoke-1')).status, 404);
  },
  title: (name = '') => `refused: ${name}`,
});
const input = (uri: string) => ({ inputs: { data: { jobInputType: 'uri_file', uri } } });
test(
  'an environment that does not exist',
  refused,
  { environmentId: `${workspace.id}/environments/churn/versions/2` },
  /Environment .* does not exist/,
);
test(
  'an environment of another workspace',
  refused,
  { environmentId: environmentId.replace('ml-risk', 'ml-x') },
  /does not exist/,
);
test(
  'a compute that does not exist',
  refused,
  { computeId: `${workspace.id}/computes/gpu` },
  /Compute .* does not exist/,
);
test('a reference to no input', refused, { command: 'x ${{inputs.nope}}' }, /refers to inputs\.nope/);
test('a reference to no output', refused, { command: 'x ${{ outputs.nope }}' }, /refers to outputs\.nope/);
test(
  'a datastore that does not exist',
  refused,
  input('azureml://datastores/nope/paths/x'),
  /not in a datastore/,
);
test('an input elsewhere on the internet', refused, input('https://example.org/x.csv'), /not in a datastore/);
test(
  'an input path that climbs',
  refused,
  input('azureml://datastores/workspaceblobstore/paths/a/../../x'),
  /not in a datastore/,
);
test(
  'an input without a uri',
  refused,
  { inputs: { data: { jobInputType: 'uri_file' } } },
  /uri field is required/,
);
test(
  'a timeout that is no duration',
  refused,
  { limits: { jobLimitsType: 'Command', timeout: '10m' } },
  /ISO 8601/,
);
test('no command', refused, { command: ' ' }, /command field is required/);
test('another type of job', refused, { jobType: 'Pipeline' }, /Command only/);
test('more than one node', refused, { resources: { instanceCount: 2 } }, /one node/);

test('without an engine a job fails, and says what is missing', async (t) => {
  const sandbox = await start(t);
  await put(sandbox, 'smoke-1', valid);
  await sandbox.context.compute.idle();
  t.is((await read(sandbox, 'smoke-1')).properties.status, 'Failed');
  t.regex(
    await errorOf(sandbox, 'smoke-1'),
    /Docker-compatible engine, and the one at unix:.* does not answer/,
  );
});

test('an image that the compute identity may not pull', async (t) => {
  const sandbox = await start(t);
  const images = {
    quarantined: `contososec.azurecr.io/quarantine/ml/churn@sha256:${'a'.repeat(64)}`,
    foreign: 'mcr.microsoft.com/azureml/base:latest',
    bare: 'ubuntu',
  };
  for (const [name, value] of Object.entries(images)) {
    await raw(sandbox, `/environments/${name}/versions/1`, {
      method: 'PUT',
      body: { properties: { image: value } },
    });
    await put(sandbox, name, { ...valid, environmentId: environmentId.replace('churn', name) });
    await sandbox.context.compute.idle();
    t.is((await read(sandbox, name)).properties.status, 'Failed');
    t.true(
      (await errorOf(sandbox, name)).includes(
        `FailedPullingImage: Unable to pull docker image\n\timageName: ${value}`,
      ),
    );
  }
  t.regex(await errorOf(sandbox, 'quarantined'), /unauthorized: authentication required/);
});

test('fault switches: a job that fails, and one that never starts until it is canceled', async (t) => {
  const sandbox = await start(t);
  const { faults } = sandbox.context;
  faults.add({ path: '/jobs/bad$', action: { kind: 'fail-operation', message: 'the node caught fire' } });
  faults.add({ path: '/jobs/stuck$', action: { kind: 'endless-operation' } });
  await put(sandbox, 'bad', valid);
  await put(sandbox, 'stuck', valid);
  await sandbox.context.compute.idle();
  t.is((await read(sandbox, 'bad')).properties.status, 'Failed');
  t.is(await errorOf(sandbox, 'bad'), 'the node caught fire');
  t.is((await read(sandbox, 'stuck')).properties.status, 'Queued');
  await mlClient(sandbox).jobs.beginCancelAndWait(workspace.resourceGroup, workspace.name, 'stuck', {
    updateIntervalInMs: 1,
  });
  t.is((await read(sandbox, 'stuck')).properties.status, 'Canceled');
});

test('jobs are listed newest first, in pages, by tag, for the real SDK too', async (t) => {
  const start = Date.parse('2026-05-04T10:00:00Z');
  let seconds = 0;
  const sandbox = await startAmlSandbox(t, { clock: { now: () => new Date(start + 1000 * seconds++) } });
  neverStarts(sandbox);
  await raw(sandbox, '/environments/churn/versions/1', { method: 'PUT', body: { properties: { image } } });
  for (let index = 0; index < 22; index += 1)
    await put(sandbox, `job-${index}`, { ...valid, tags: index === 7 ? { lucky: 'yes' } : {} });
  const names: (string | undefined)[] = [];
  for await (const { name } of mlClient(sandbox).jobs.list(workspace.resourceGroup, workspace.name))
    names.push(name);
  t.is(names.length, 22);
  t.is(names[0], 'job-21');
  const tagged = (await raw(sandbox, '/jobs', { query: 'tag=lucky=yes' })).body as { value: Job[] };
  t.deepEqual(
    tagged.value.map(({ name }) => name),
    ['job-7'],
  );
});

test('after a kill, what waited is run and what ran is lost', async (t) => {
  const first = await start(t);
  neverStarts(first);
  await put(first, 'waiting', valid);
  await put(first, 'running', valid);
  await put(first, 'canceling', valid);
  first.context.workspace.jobs.progress('running', { status: 'Running', startedAt: '2026-05-04T10:00:00Z' });
  first.context.workspace.jobs.progress('canceling', { status: 'CancelRequested' });
  // A second process on the same directory, while the first one never got to tidy up.
  const second = await startAmlSandbox(t, { directory: first.directory });
  await second.context.compute.idle();
  t.is((await read(second, 'running')).properties.status, 'Failed');
  t.regex(await errorOf(second, 'running'), /stopped while the job was Running/);
  t.is((await read(second, 'canceling')).properties.status, 'Canceled');
  t.regex(await errorOf(second, 'waiting'), /Docker-compatible engine/);
});

test('no role, no job; no job, 404', async (t) => {
  const sandbox = await start(t);
  const denied = await raw(sandbox, '/jobs/x', {
    method: 'PUT',
    body: { properties: valid },
    identity: 'outside-promoter',
  });
  t.is(denied.status, 403);
  t.is((denied.body as Job).error.code, 'AuthorizationFailed');
  t.is((await raw(sandbox, '/jobs/x')).status, 404);
  t.is((await raw(sandbox, '/jobs/x/cancel', { method: 'POST' })).status, 404);
});

test('what a job was submitted with is shown again, and what was planted as it is', async (t) => {
  const sandbox = await start(t);
  neverStarts(sandbox);
  const settings = {
    environmentVariables: { A: '1' },
    distribution: { distributionType: 'Mpi', processCountPerInstance: 1 },
    queueSettings: { jobTier: 'Spot' },
    resources: { instanceCount: 1, dockerArgs: '--ipc=host', instanceType: 'big', shmSize: '4g' },
    services: { shell: { jobServiceType: 'SSH' } },
    notificationSetting: { webhooks: { x: { url: 'https://x' } } },
  };
  await put(sandbox, 'smoke-1', { ...valid, ...settings });
  const { jobs } = sandbox.context.workspace;
  t.like((await read(sandbox, 'smoke-1')).properties, settings);
  jobs.put({ ...jobs.get('smoke-1')!, shown: { command: 'true', services: null } });
  t.like((await read(sandbox, 'smoke-1')).properties, { command: 'true', services: null });
  t.is(((await put(sandbox, 'smoke-2', valid)).body as Job).properties['queueSettings']?.constructor, Object);
  const { properties } = (await raw(sandbox, '/jobs/smoke-2', { apiVersion: '2022-10-01' })).body as Job;
  t.false('queueSettings' in properties);
});
