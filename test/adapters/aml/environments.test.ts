import test from 'ava';
import { createEnvironments } from '../../../src/adapters/aml/environments.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { environmentDifferences } from '../../../src/steps/register/same-environment.ts';
import { workspace } from '../../../sandbox/topology.ts';
import { fakeCredential } from '../../support/fake-credential.ts';
import { startScriptedCloud } from '../../support/network.ts';
import type { ScriptedResponse } from '../../support/scripted-server.ts';
import { otherWorkspace, startWorkspace } from './start.ts';

const image = `contososec.azurecr.io/ml/churn-train@sha256:${'a'.repeat(64)}`;
const request = {
  name: 'churn-train',
  version: '1.4.0',
  image,
  description: 'Gradient boosting training',
  tags: { team: 'churn' },
  properties: { 'amlpromote.digest': 'x' },
};

test('what was registered is read back as it is', async (t) => {
  const { as } = await startWorkspace(t);
  const environments = createEnvironments(as());
  t.is(await environments.read('churn-train', '1.4.0'), undefined);
  await environments.create(request);
  const id = `${workspace.id}/environments/churn-train/versions/1.4.0`;
  const there = await environments.read('churn-train', '1.4.0');
  t.like(there, {
    id,
    image,
    tags: { team: 'churn' },
    properties: { 'amlpromote.digest': 'x' },
    archived: false,
  });
  t.deepEqual(Object.keys(there!.raw), ['id', 'name', 'type', 'properties', 'systemData']);
  t.is(there!.raw['id'], id);
  t.deepEqual(environmentDifferences(there!, request), []);
});

test('the same again is done, another image is VERSION_CONFLICT and changes nothing', async (t) => {
  const { as } = await startWorkspace(t);
  const environments = createEnvironments(as());
  await environments.create(request);
  await environments.create(request);
  const other = { ...request, image: image.replace('aaa', 'bbb') };
  const error = await t.throwsAsync(environments.create(other), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
  t.is((await environments.read('churn-train', '1.4.0'))?.image, image);
});

test('a missing workspace is NOT_FOUND, a missing environment is not', async (t) => {
  const { as, sandbox } = await startWorkspace(t);
  // Without a role there, ARM would say 403 to the name of a workspace that does not exist.
  t.is(await createEnvironments(as()).read('nope', '1'), undefined);
  sandbox.context.faults.add({
    path: '/environments/',
    action: { kind: 'status', status: 404, body: { error: { code: 'ResourceNotFound', message: 'gone' } } },
  });
  sandbox.context.faults.add({
    path: 'workspaces/ml-gone$',
    action: { kind: 'status', status: 404, body: { error: { code: 'ResourceNotFound', message: 'gone' } } },
  });
  const gone = createEnvironments(as({ workspaceId: otherWorkspace }));
  const error = await t.throwsAsync(gone.read('churn-train', '1'), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
  t.is(error.exitCode, 20);
  t.true(error.message.includes(otherWorkspace));
});

test('without a role: FORBIDDEN, which names it', async (t) => {
  const { as } = await startWorkspace(t);
  const environments = createEnvironments(as({ identity: 'outside-promoter' }));
  for (const attempt of [environments.read('churn-train', '1'), environments.create(request)]) {
    const error = await t.throwsAsync(attempt, { instanceOf: AmlpromoteError });
    t.is(error.code, 'FORBIDDEN');
    t.regex(error.nextSteps.join(' '), /"AzureML Data Scientist" on .*ml-risk/);
  }
});

for (const [name, action, code] of [
  ['an expired token', { kind: 'expired-token' }, 'UNAUTHENTICATED'],
  ['a service that is down', { kind: 'status', status: 503 }, 'SERVICE_FAILED'],
  ['throttling that lasts', { kind: 'status', status: 429, headers: { 'retry-after-ms': '1' } }, 'THROTTLED'],
  ['a broken connection', { kind: 'reset' }, 'UNREACHABLE'],
] as const) {
  test(`${name}: ${code}`, async (t) => {
    const { as, sandbox } = await startWorkspace(t);
    sandbox.context.faults.add({ path: '/environments/', action });
    const environments = createEnvironments(as());
    for (const attempt of [environments.read('churn-train', '1'), environments.create(request)]) {
      t.is((await t.throwsAsync(attempt, { instanceOf: AmlpromoteError })).code, code);
    }
  });
}

test('one bad moment is not an error: 503 and a reset are tried again', async (t) => {
  const { as, sandbox } = await startWorkspace(t);
  sandbox.context.faults.add({ count: 1, method: 'GET', action: { kind: 'reset' } });
  sandbox.context.faults.add({ count: 1, method: 'PUT', action: { kind: 'status', status: 503 } });
  const environments = createEnvironments(as());
  t.is(await environments.read('churn-train', '1.4.0'), undefined);
  await t.notThrowsAsync(environments.create(request));
});

const answering = (answer: ScriptedResponse) => () => answer;

for (const [name, answer, expected] of [
  [
    'a version that the workspace builds itself proves no image',
    {
      body: {
        id: `${workspace.id}/environments/e/versions/1`,
        properties: { image, build: { contextUri: 'https://x' }, tags: null, isArchived: null },
      },
    },
    { image: undefined, archived: false, tags: {} },
  ],
  [
    'an archived version is said to be',
    { body: { id: `${workspace.id}/environments/e/versions/1`, properties: { image, isArchived: true } } },
    { image, archived: true },
  ],
] as const) {
  test(name, async (t) => {
    const cloud = await startScriptedCloud(t, ['management.azure.com'], answering(answer));
    const options = { credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id };
    t.like(await createEnvironments(options).read('e', '1'), expected);
  });
}

test('the raw body is handed on whole, members that no model knows included', async (t) => {
  const body = {
    id: `${workspace.id}/environments/e/versions/1`,
    properties: {
      image,
      runAs: 'root',
      condaFile: 'x',
      inferenceConfig: { scoringRoute: { path: '/', port: 1 } },
    },
    surprise: { a: [1] },
  };
  const cloud = await startScriptedCloud(t, ['management.azure.com'], answering({ body }));
  const options = { credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id };
  t.deepEqual((await createEnvironments(options).read('e', '1'))?.raw, body);
});

for (const [name, answer] of [
  [
    'another resource than the one asked for',
    { body: { id: `${workspace.id}/environments/e/versions/2`, properties: { image } } },
  ],
  [
    'a duplicate key (threat 5)',
    {
      headers: { 'content-type': 'application/json' },
      body: `{"id":"${workspace.id}/environments/e/versions/1","properties":{"image":"a","image":"b"}}`,
    },
  ],
  ['another shape', { body: { id: `${workspace.id}/environments/e/versions/1`, properties: { image: 7 } } }],
  ['no JSON', { body: '<html>' }],
] as const) {
  test(`an answer with ${name} is CONTENT_INVALID`, async (t) => {
    const cloud = await startScriptedCloud(t, ['management.azure.com'], answering(answer));
    const options = { credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id };
    const error = await t.throwsAsync(createEnvironments(options).read('e', '1'), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'CONTENT_INVALID');
  });
}
