import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createAcrImporter } from '../../../src/adapters/acr/importer.ts';
import { parseDigest } from '../../../src/domain/digest.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import type { ProgressEvent } from '../../../src/domain/events.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { fakeCredential } from '../../support/fake-credential.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { startScriptedCloud } from '../../support/network.ts';
import type { ScriptedResponse } from '../../support/scripted-server.ts';

const arm = 'management.azure.com';
const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const registryId = (group: string, name: string): string =>
  `/subscriptions/00000000-0000-4000-8000-000000005ec0/resourceGroups/${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
const target = registryId('rg-contoso-sec', 'contososec');
const source = registryId('rg-contoso-dev', 'contosodev');
const location = `https://${arm}/subscriptions/s/providers/Microsoft.ContainerRegistry/locations/JAPANEAST/operationResults/registries-1?api-version=2025-11-01`;

interface Setup {
  readonly post?: ScriptedResponse | 'destroy';
  /** One after the other; the last one repeats. */
  readonly polls?: readonly ScriptedResponse[];
  readonly deadlineSeconds?: number;
  readonly signal?: AbortSignal;
}

async function start(t: ExecutionContext, setup: Setup = {}) {
  const { post = { status: 202, headers: { location, 'retry-after': '10' } }, polls = [{}] } = setup;
  let polled = 0;
  const cloud = await startScriptedCloud(t, [arm], (request) => {
    if (request.method === 'POST') return post;
    polled += 1;
    return polls[Math.min(polled, polls.length) - 1]!;
  });
  const clock = manualClock();
  const importer = createAcrImporter({
    credential: fakeCredential,
    agent: cloud.agent,
    targetRegistryId: target,
    sourceRegistryId: source,
    sourceHost: 'contosodev.azurecr.io',
    clock,
    retry: { maxRetries: 1, retryDelayInMs: 1 },
    ...(setup.deadlineSeconds === undefined ? {} : { deadlineSeconds: setup.deadlineSeconds }),
  });
  const events: ProgressEvent[] = [];
  const carry = async (): Promise<unknown> =>
    importer.carry({
      sourceRepository: 'ml/churn-train',
      targetRepository: 'quarantine/ml/churn-train',
      content: { mediaType: mediaTypes.ociIndex, digest, size: 100 },
      progress: (event) => events.push(event),
      ...(setup.signal ? { signal: setup.signal } : {}),
    });
  return { cloud, clock, carry, events };
}

const running: ScriptedResponse = { status: 202, headers: { location } };

test('imports by digest, untagged, never over anything, and waits for the operation', async (t) => {
  const { cloud, carry, clock, events } = await start(t, { polls: [running, running, {}] });
  await carry();
  const [post, ...polls] = cloud.requests;
  t.is(post!.path, `${target}/importImage`);
  t.is(post!.headers.authorization, `Bearer token-for:https://${arm}/.default`);
  t.deepEqual(JSON.parse(post!.body.toString()), {
    source: { resourceId: source, sourceImage: `ml/churn-train@${digest}` },
    untaggedTargetRepositories: ['quarantine/ml/churn-train'],
    mode: 'NoForce',
  });
  t.is(polls.length, 3);
  t.deepEqual(clock.slept, [500, 1000]);
  t.deepEqual(
    events.map((event) => event.type === 'effect' && event.effect),
    ['import started'],
  );
});

test('an operation that never ends is TIMEOUT at the deadline, says so, and can be run again', async (t) => {
  const { carry, clock, events } = await start(t, { polls: [running], deadlineSeconds: 600 });
  const error = await t.throwsAsync(carry(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'TIMEOUT');
  t.is(error.exitCode, 20);
  t.regex(error.message, /still says "running" after 600 s/);
  t.regex(error.nextSteps[0]!, /Run again/);
  t.is(
    clock.slept.reduce((sum, nap) => sum + nap, 0),
    600_000,
  );
  t.true(events.some((event) => event.type === 'note' && event.message.includes('min')));
});

const operation = (code: string, message: string): ScriptedResponse => ({
  body: { status: 'Failed', error: { code, message } },
});
const arms = (status: number, code: string, message: string): ScriptedResponse => ({
  status,
  body: { error: { code, message } },
});
const asynchronous: ScriptedResponse = {
  status: 202,
  headers: { 'azure-asyncoperation': location },
};
const clientIp = `Error: InvalidParameters. {"errors":[{"code":"DENIED","message":"client with IP '20.1.2.3' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}]}`;

const failures: readonly (readonly [string, Setup, ErrorCode, RegExp])[] = [
  [
    'the source does not have it',
    { post: asynchronous, polls: [operation('ManifestNotFound', 'manifest tagged by … is not found')] },
    'LISTED_CONTENT_MISSING',
    /deleted outside/,
  ],
  [
    'the operation failed',
    { post: asynchronous, polls: [operation('InternalError', 'something else')] },
    'OPERATION_FAILED',
    /contosodev\.azurecr\.io still has/,
  ],
  [
    'blobs could not be copied',
    { post: asynchronous, polls: [operation('InternalError', 'Error copying blobs. Please retry')] },
    'OPERATION_FAILED',
    /run again/,
  ],
  [
    'the operation was canceled',
    { post: asynchronous, polls: [{ body: { status: 'Canceled' } }] },
    'OPERATION_FAILED',
    /run again/,
  ],
  [
    'a firewall rule, told by the operation',
    { post: asynchronous, polls: [operation('InvalidParameters', clientIp)] },
    'NETWORK_DENIED',
    /networkRuleBypassOptions.*contosodev.*contososec/,
  ],
  [
    'a firewall rule, told while polling',
    { polls: [arms(400, 'InvalidParameters', clientIp)] },
    'NETWORK_DENIED',
    /networkRuleBypassOptions/,
  ],
  [
    'no right to read the source',
    { post: asynchronous, polls: [operation('Unauthorized', 'requested access to the resource is denied')] },
    'FORBIDDEN',
    /registries\/contosodev/,
  ],
  [
    'no right to import',
    {
      post: arms(
        403,
        'AuthorizationFailed',
        `The client 'x' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/importImage/action' over scope '${target}'`,
      ),
    },
    'FORBIDDEN',
    /"Container Registry Data Importer and Data Reader" on .*contososec \(it lacks Microsoft\.ContainerRegistry\/registries\/importImage\/action\)/,
  ],
  [
    'no right on the linked source',
    { post: arms(403, 'LinkedAuthorizationFailed', 'not on the linked scope') },
    'FORBIDDEN',
    /registries\/contosodev/,
  ],
  ['no such registry', { post: arms(404, 'ResourceNotFound', 'not found') }, 'NOT_FOUND', /zones manifest/],
  ['a vanished operation', { polls: [arms(404, 'NotFound', 'gone')] }, 'NOT_FOUND', /zones manifest/],
  [
    'an expired token',
    { post: arms(401, 'ExpiredAuthenticationToken', 'x') },
    'UNAUTHENTICATED',
    /token file/,
  ],
  [
    'throttling that lasts',
    { post: { ...arms(429, 'TooManyRequests', 'x'), headers: { 'retry-after-ms': '1' } } },
    'THROTTLED',
    /minutes/,
  ],
  ['a service that is down', { post: arms(503, 'ServiceUnavailable', 'x') }, 'SERVICE_FAILED', /Run again/],
  ['a broken connection', { post: 'destroy' }, 'UNREACHABLE', /Run again/],
  ['a refused request', { post: arms(400, 'InvalidParameters', 'bad') }, 'OPERATION_FAILED', /tenant/],
];

for (const [name, setup, code, hint] of failures) {
  test(`${name}: ${code}`, async (t) => {
    const { carry } = await start(t, setup);
    const error = await t.throwsAsync(carry(), { instanceOf: AmlpromoteError });
    t.is(error.code, code);
    t.regex(error.nextSteps.join(' '), hint);
    t.regex(error.message, new RegExp('contososec|management'));
    t.notRegex(error.message, /token-for|\?api-version/);
  });
}

test('what is there already is done, whether the request or the operation says so', async (t) => {
  const said = 'Tag team/app:1.0 already exists in target registry.';
  for (const setup of [
    { post: arms(409, 'ImageAlreadyExists', said) },
    { post: asynchronous, polls: [operation('Conflict', said)] },
  ]) {
    const { carry } = await start(t, setup);
    await t.notThrowsAsync(carry());
  }
});

test('interrupted while waiting: INTERRUPTED', async (t) => {
  const controller = new AbortController();
  const { carry, cloud } = await start(t, { polls: [running], signal: controller.signal });
  const done = t.throwsAsync(carry(), { instanceOf: AmlpromoteError });
  while (cloud.requests.length < 3) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new AmlpromoteError('INTERRUPTED', 'interrupted'));
  t.is((await done).code, 'INTERRUPTED');
});
