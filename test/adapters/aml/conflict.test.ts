import test from 'ava';
import { createWorkspaceArm } from '../../../src/adapters/aml/arm.ts';
import { createEnvironments } from '../../../src/adapters/aml/environments.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { workspace } from '../../../sandbox/topology.ts';
import { fakeCredential } from '../../support/fake-credential.ts';
import { startScriptedCloud } from '../../support/network.ts';
import type { ScriptedRequest, ScriptedResponse } from '../../support/scripted-server.ts';

const image = `contososec.azurecr.io/ml/churn@sha256:${'a'.repeat(64)}`;
const request = { name: 'e', version: '1', image, tags: {}, properties: {} };
const version = { body: { id: `${workspace.id}/environments/e/versions/1`, properties: { image } } };
const gone = { status: 404, body: { error: { code: 'ResourceNotFound', message: 'gone' } } };
const here = { body: { id: workspace.id } };

/** What PUT answers, and whether the thing is there when it is looked for afterwards. */
const cloudOf =
  (put: ScriptedResponse, there: boolean) =>
  ({ method, path }: ScriptedRequest): ScriptedResponse => {
    if (method === 'PUT') return put;
    if (!/environments|jobs/.test(path)) return here;
    return there ? version : gone;
  };

for (const [name, put, there, code, exitCode] of [
  [
    'another operation is under way',
    { status: 409, body: { error: { code: 'Conflict', message: 'Another operation is in progress' } } },
    false,
    'SERVICE_FAILED',
    20,
  ],
  [
    'the name is taken',
    { status: 409, body: { error: { code: 'Conflict', message: 'conflict' } } },
    true,
    'VERSION_CONFLICT',
    10,
  ],
  [
    'the name is taken, told as a bad request',
    {
      status: 400,
      body: {
        error: {
          code: 'UserError',
          message: 'already registered and cannot be changed; name already exists',
        },
      },
    },
    true,
    'VERSION_CONFLICT',
    10,
  ],
  [
    'a web page says 409',
    { status: 409, headers: { 'content-type': 'text/html' }, body: '<html>' },
    true,
    'UNREACHABLE',
    20,
  ],
] as const) {
  test(`a conflict is final only with what is there: ${name}`, async (t) => {
    const cloud = await startScriptedCloud(t, ['management.azure.com'], cloudOf(put, there));
    const options = {
      credential: fakeCredential,
      agent: cloud.agent,
      workspaceId: workspace.id,
      retry: { maxRetries: 0, retryDelayInMs: 1 },
    };
    const arm = createWorkspaceArm(options);
    for (const attempt of [
      async () => createEnvironments(options).create(request),
      async () => arm.put('/jobs/j', {}, 'starting a job'),
    ]) {
      const error = await t.throwsAsync(attempt, { instanceOf: AmlpromoteError });
      t.is(error.code, code, error.message);
      t.is(error.exitCode, exitCode);
    }
  });
}

test('a page is neither a thing that is there nor one that is not', async (t) => {
  for (const status of [200, 404]) {
    const cloud = await startScriptedCloud(t, ['management.azure.com'], () => ({
      status,
      headers: { 'content-type': 'text/html' },
      body: '<html>Sign in</html>',
    }));
    const options = { credential: fakeCredential, agent: cloud.agent, workspaceId: workspace.id };
    const error = await t.throwsAsync(createEnvironments(options).read('e', '1'), {
      instanceOf: AmlpromoteError,
      code: 'UNREACHABLE',
    });
    t.regex(error.message, /management\.azure\.com.*web page/);
  }
});
