import test from 'ava';
import { createDatastore } from '../../../src/adapters/aml/datastore.ts';
import { createEnvironments } from '../../../src/adapters/aml/environments.ts';
import { createJobs } from '../../../src/adapters/aml/jobs.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { JobRequest } from '../../../src/ports/workspace.ts';
import { jobDifferences } from '../../../src/steps/run/same-job.ts';
import { openLog } from '../../../sandbox/compute/log.ts';
import { workspace } from '../../../sandbox/topology.ts';
import type { AmlSandbox } from '../../support/aml-sandbox.ts';
import { fakeCredential } from '../../support/fake-credential.ts';
import { startScriptedCloud } from '../../support/network.ts';
import { otherWorkspace, startWorkspace } from './start.ts';

const environmentId = `${workspace.id}/environments/churn-train/versions/1.4.0`;
const job = (name: string, more: Partial<JobRequest> = {}): JobRequest => ({
  name,
  experiment: 'amlpromote-smoke-churn-train',
  environmentId,
  compute: 'cpu-cluster',
  command: 'python train.py --data ${{inputs.data}} --rounds ${{inputs.rounds}} --out ${{outputs.model}}',
  inputs: {
    data: { type: 'uri_file', value: 'azureml://datastores/workspaceblobstore/paths/amlpromote/churn.csv' },
    rounds: { type: 'literal', value: '10' },
  },
  outputs: { model: { type: 'uri_folder' } },
  timeoutSeconds: 600,
  tags: { digest: 'x' },
  ...more,
});

/** Jobs wait for ever, so that the test decides what becomes of them: no engine is needed. */
async function start(t: Parameters<typeof startWorkspace>[0]) {
  const { sandbox, as } = await startWorkspace(t);
  sandbox.context.faults.add({ method: 'PUT', path: '/jobs/', action: { kind: 'endless-operation' } });
  const image = `contososec.azurecr.io/ml/churn-train@sha256:${'a'.repeat(64)}`;
  await createEnvironments(as()).create({
    name: 'churn-train',
    version: '1.4.0',
    image,
    tags: {},
    properties: {},
  });
  return { sandbox, as };
}

const log = (sandbox: AmlSandbox, name: string) =>
  openLog(sandbox.context.workspace.blobs, name, sandbox.context.clock);

test('typed inputs and outputs reach the service with their places, and come back', async (t) => {
  const { sandbox, as } = await start(t);
  const jobs = createJobs(as());
  const submitted = await jobs.submit(job('smoke-1'));
  t.like(submitted, {
    id: `${workspace.id}/jobs/smoke-1`,
    name: 'smoke-1',
    status: 'Running',
    environmentId,
    outputs: { model: 'azureml://datastores/workspaceblobstore/paths/azureml/smoke-1/model/' },
  });
  t.is(submitted.tags['digest'], 'x');
  const { definition } = sandbox.context.workspace.jobs.get('smoke-1')!;
  t.like(definition.inputs['data'], { uri: job('x').inputs['data']!.value, mode: 'ReadOnlyMount' });
  t.like(definition.inputs['rounds'], { jobInputType: 'literal', value: '10' });
  t.is(definition.timeout, 'PT600S');
  t.deepEqual(definition.identity, { identityType: 'Managed' });
  t.is(definition.computeId, `${workspace.id}/computes/cpu-cluster`);
});

test('the raw body is handed on, and what this adapter submits is what the steps want to read back', async (t) => {
  const { as } = await start(t);
  const jobs = createJobs(as());
  const uri = await createDatastore(as()).uriOf('azureml/smoke-1/model/');
  t.is(uri, 'azureml://datastores/workspaceblobstore/paths/azureml/smoke-1/model/');
  const definition = job('smoke-1', { outputs: { model: { type: 'uri_folder', uri: uri! } } });
  const wanted = { definition, workspace: workspace.id };
  t.deepEqual(jobDifferences(await jobs.submit(definition), wanted), []);
  const read = await jobs.read('smoke-1');
  t.deepEqual(jobDifferences(read!, wanted), []);
  t.deepEqual(Object.keys(read!.raw), ['id', 'name', 'type', 'properties', 'systemData']);
  t.not(jobDifferences(read!, { ...wanted, definition: { ...definition, command: 'true' } }).length, 0);
});

test('an output without a place goes where the service puts it', async (t) => {
  const { as } = await start(t);
  const definition = job('smoke-1');
  const submitted = await createJobs(as()).submit(definition);
  t.deepEqual(jobDifferences(submitted, { definition, workspace: workspace.id }), []);
});

test('the same name with the same content is the same job', async (t) => {
  const { sandbox, as } = await start(t);
  const jobs = createJobs(as());
  await jobs.submit(job('smoke-1'));
  t.is((await jobs.submit(job('smoke-1'))).name, 'smoke-1');
  t.is(sandbox.context.workspace.jobs.all().length, 1);
});

test('the same name for other work is VERSION_CONFLICT', async (t) => {
  const { as } = await start(t);
  const jobs = createJobs(as());
  await jobs.submit(job('smoke-1'));
  const error = await t.throwsAsync(jobs.submit(job('smoke-1', { command: 'python other.py' })), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'VERSION_CONFLICT');
});

test('states of the service are told as they are, and as one of four', async (t) => {
  const { sandbox, as } = await start(t);
  const jobs = createJobs(as());
  await jobs.submit(job('smoke-1'));
  for (const [phase, status] of [
    ['Preparing', 'Running'],
    ['Running', 'Running'],
    ['Finalizing', 'Running'],
    ['Completed', 'Completed'],
  ] as const) {
    sandbox.context.workspace.jobs.progress('smoke-1', { status: phase });
    t.like(await jobs.read('smoke-1'), { phase, status });
  }
  t.is(await jobs.read('never-submitted'), undefined);
});

test('a failed job tells why, where run history may be read', async (t) => {
  const { sandbox, as } = await start(t);
  const jobs = createJobs(as());
  await jobs.submit(job('smoke-1'));
  sandbox.context.workspace.jobs.progress('smoke-1', {
    status: 'Failed',
    error: { code: 'UserError', message: 'the command ended with exit code 3' },
  });
  t.like(await jobs.read('smoke-1'), {
    status: 'Failed',
    error: 'UserError: the command ended with exit code 3',
  });
  sandbox.context.faults.add({
    host: 'api\\.azureml\\.ms',
    action: { kind: 'status', status: 403 },
  });
  const blind = await createJobs(as()).read('smoke-1');
  t.is(blind?.status, 'Failed');
  t.is(blind?.error, undefined);
});

test('the log is read from an offset, and never cuts a character in two', async (t) => {
  const { sandbox, as } = await start(t);
  const jobs = createJobs(as());
  await jobs.submit(job('smoke-1'));
  t.is(await jobs.log('smoke-1', 0), '');
  const output = log(sandbox, 'smoke-1');
  output.output(Buffer.from('epoch 1\n精'));
  t.is(await jobs.log('smoke-1', 0), 'epoch 1\n精');
  output.output(Buffer.from('度').subarray(0, 2));
  t.is(await jobs.log('smoke-1', 11), '');
  output.output(Buffer.from('度').subarray(2));
  output.output(Buffer.from([0xff, 0x0a]));
  t.is(await jobs.log('smoke-1', 11), '度?\n'.replace('度?', '???' + '?'));
});

for (const [name, fault] of [
  ['a 401', { host: 'api\\.azureml\\.ms', action: { kind: 'status', status: 401 } }],
  ['a 403 of storage', { host: 'blob\\.core', action: { kind: 'status', status: 403 } }],
  ['a 404', { host: 'api\\.azureml\\.ms', action: { kind: 'status', status: 404 } }],
  ['a broken connection', { host: 'api\\.azureml\\.ms', action: { kind: 'reset' } }],
  ['a broken body', { host: 'blob\\.core', action: { kind: 'truncate', after: 3 } }],
] as const) {
  test(`no log because of ${name} is just no log`, async (t) => {
    const { sandbox, as } = await start(t);
    const jobs = createJobs(as());
    await jobs.submit(job('smoke-1'));
    log(sandbox, 'smoke-1').output(Buffer.from('hello, world\n'));
    const remove = sandbox.context.faults.add(fault);
    t.is(await jobs.log('smoke-1', 0), undefined);
    remove();
    t.is(await jobs.log('smoke-1', 0), 'hello, world\n');
  });
}

test('jobs are listed by experiment, newest first, over pages', async (t) => {
  const { as } = await start(t);
  const jobs = createJobs(as());
  for (let index = 0; index < 25; index += 1) {
    await jobs.submit(job(`smoke-${String(index)}`));
    if (index % 5 === 0) await jobs.submit(job(`other-${String(index)}`, { experiment: 'other' }));
  }
  const listed = await jobs.list('amlpromote-smoke-churn-train');
  t.is(listed.length, 25);
  const times = listed.map(({ createdAt }) => createdAt ?? '');
  t.deepEqual(times, [...times].sort().reverse());
  t.is((await jobs.list('other')).length, 5);
  t.deepEqual(await jobs.list('nothing'), []);
});

test('a listing that leads to another host is refused before the token goes there', async (t) => {
  const hosts = ['management.azure.com', 'evil.test'];
  const cloud = await startScriptedCloud(t, hosts, () => ({
    body: { value: [], nextLink: 'https://evil.test/subscriptions' },
  }));
  const jobs = createJobs({ credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id });
  const error = await t.throwsAsync(jobs.list('x'), { instanceOf: AmlpromoteError });
  t.is(error.code, 'CONTENT_INVALID');
  t.false(cloud.requests.some((request) => request.host === 'evil.test'));
});

test('run history at a foreign host gets no token', async (t) => {
  const hosts = ['management.azure.com', 'evil.test', 'evil-api.azureml.ms.evil.test'];
  const cloud = await startScriptedCloud(t, hosts, () => ({
    body: { properties: { discoveryUrl: 'https://evil-api.azureml.ms.evil.test/discovery' } },
  }));
  const jobs = createJobs({ credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id });
  t.is(await jobs.log('smoke-1', 0), undefined);
  t.true(cloud.requests.every((request) => request.host === 'management.azure.com'));
});

test('a missing compute, a missing role and a missing workspace are told apart', async (t) => {
  const { sandbox, as } = await start(t);
  const compute = await t.throwsAsync(createJobs(as()).submit(job('a', { compute: 'gpu-cluster' })), {
    instanceOf: AmlpromoteError,
  });
  t.is(compute.code, 'USAGE');
  t.regex(compute.message, /has no compute gpu-cluster/);
  const role = await t.throwsAsync(createJobs(as({ identity: 'outside-promoter' })).submit(job('a')), {
    instanceOf: AmlpromoteError,
  });
  t.is(role.code, 'FORBIDDEN');
  sandbox.context.faults.add({
    path: 'workspaces/ml-gone',
    action: { kind: 'status', status: 404, body: { error: { code: 'ResourceNotFound', message: 'x' } } },
  });
  const gone = createJobs(as({ workspaceId: otherWorkspace }));
  t.is((await t.throwsAsync(gone.read('a'), { instanceOf: AmlpromoteError })).code, 'NOT_FOUND');
});
