import { join } from 'node:path';
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { RunningSandbox } from '../../index.ts';
import { readJson, writeJson } from '../../store/files.ts';
import { identities, registries } from '../../topology.ts';
import { agentOf } from '../support/agent.ts';
import type { Made } from '../support/content.ts';
import { makeImage } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { sdkOf } from '../support/sdk.ts';
import { entraToken } from '../support/tokens.ts';
import { startTestSandbox } from '../support/sandbox.ts';
import { wire } from '../support/wire.ts';

const { resourceGroup, name, id } = registries.sensitive;
const source = registries.nonsensitive;

interface Fixture {
  readonly sandbox: RunningSandbox;
  readonly image: Made;
  readonly run: (body: object) => Promise<unknown>;
}

async function start(t: ExecutionContext): Promise<Fixture> {
  const sandbox = await startTestSandbox(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'nonsensitive').push('team/a', image, 'v1');
  const { arm } = sdkOf(t, sandbox, 'inside');
  const parameters = { source: { resourceId: source.id, sourceImage: `team/a@${image.digest}` } };
  const run = (body: object): Promise<unknown> =>
    arm.registries.importImage(resourceGroup, name, { ...parameters, ...body });
  return { sandbox, image, run };
}

test('the sealed registry looks sealed, the other does not', async (t) => {
  const sandbox = await startTestSandbox(t);
  const inside = await sdkOf(t, sandbox, 'inside').arm.registries.get(resourceGroup, name);
  t.is(inside.loginServer, registries.sensitive.host);
  t.is(inside.sku.name, 'Premium');
  t.is(inside.publicNetworkAccess, 'Disabled');
  t.is(inside.networkRuleSet?.defaultAction, 'Deny');
  t.is(inside.networkRuleBypassOptions, 'AzureServices');
  t.is(inside.policies?.exportPolicy?.status, 'disabled');
  t.is(inside.privateEndpointConnections?.[0]?.privateLinkServiceConnectionState?.status, 'Approved');
  const outside = await sdkOf(t, sandbox, 'outside').arm.registries.get(source.resourceGroup, source.name);
  t.is(outside.publicNetworkAccess, 'Enabled');
});

test('without a role ARM says AuthorizationFailed, also for what does not exist', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { credential, agent } = sdkOf(t, sandbox, 'outside');
  const arm = new ContainerRegistryManagementClient(credential, registries.sensitive.subscription, { agent });
  for (const registry of [name, 'none']) {
    const { message } = await t.throwsAsync(arm.registries.get(resourceGroup, registry), {
      code: 'AuthorizationFailed',
    });
    t.true(message.includes(identities['outside-promoter'].clientId));
  }
  const { arm: inside } = sdkOf(t, sandbox, 'inside');
  await t.throwsAsync(inside.registries.get(resourceGroup, 'none'), { code: 'ResourceNotFound' });
});

test('ARM wants its own audience, a token, and an api-version', async (t) => {
  const sandbox = await startTestSandbox(t);
  const agent = agentOf(t, sandbox, 'inside');
  const get = async (query: string, token?: string) => {
    const response = await wire(`https://management.azure.com${id}${query}`, {
      agent,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    return [response.status, response.json<{ error?: { code: string } }>().error?.code];
  };
  const token = entraToken(sandbox, 'inside-promoter', 'https://management.azure.com');
  const version = '?api-version=2025-11-01';
  t.deepEqual(await get(version, token), [200, undefined]);
  t.deepEqual(await get(version), [401, 'AuthenticationFailed']);
  t.deepEqual(await get(version, entraToken(sandbox, 'inside-promoter')), [
    401,
    'InvalidAuthenticationTokenAudience',
  ]);
  t.deepEqual(await get('', token), [400, 'MissingApiVersionParameter']);
});

test('a tag that is there is a conflict with NoForce, whatever it points to; Force moves it', async (t) => {
  const { sandbox, image, run } = await start(t);
  const { push, manifest } = loopbackOf(sandbox, 'sensitive');
  await run({ targetTags: ['team/a:v1'] });
  const { message } = await t.throwsAsync(run({ targetTags: ['team/a:v1'] }), { code: 'Conflict' });
  t.true(message.endsWith('Tag team/a:v1 already exists in target registry.'));
  const other = makeImage();
  await push('team/a', other, 'v1');
  await run({ targetTags: ['team/a:v1'], mode: 'Force' });
  t.is((await manifest('team/a', 'v1')).headers.get('docker-content-digest'), image.digest);
});

test('a digest without a target ends as the tag latest', async (t) => {
  const { sandbox, image, run } = await start(t);
  await run({});
  const response = await loopbackOf(sandbox, 'sensitive').manifest('team/a', 'latest');
  t.is(response.headers.get('docker-content-digest'), image.digest);
});

test('what is wrong with the source shows in the operation', async (t) => {
  const { sandbox, run } = await start(t);
  const untaggedTargetRepositories = ['quarantine/team/a'];
  const importing = (resource: object, sourceImage: string) =>
    run({ source: { ...resource, sourceImage }, untaggedTargetRepositories });
  const missing = `team/a@sha256:${'0'.repeat(64)}`;
  const resourceId = source.id;
  await t.throwsAsync(importing({ resourceId }, missing), { message: /manifest unknown/ });
  await t.throwsAsync(importing({ resourceId: `${resourceId}x` }, 'team/a:v1'), { message: /was not found/ });
  await t.throwsAsync(importing({ registryUri: source.host }, 'team/a:v1'), {
    message: /access to the resource is denied/,
  });
  await t.throwsAsync(importing({ resourceId: id }, 'team/a:v1'), { message: /Export is disabled/ });
  const { roles } = sandbox.context;
  roles.replace(roles.list().filter((each) => each.scope !== resourceId));
  await t.throwsAsync(importing({ resourceId }, 'team/a:v1'), {
    message: /access to the resource is denied/,
  });
});

test('a request without the right form is refused at once', async (t) => {
  const { run } = await start(t);
  await t.throwsAsync(run({ source: { sourceImage: 'team/a:v1' } }), { code: 'InvalidParameters' });
  await t.throwsAsync(run({ mode: 'Maybe' }), { code: 'InvalidParameters' });
});

test('a failed operation says why; a dropped digest is missing; corrupted blobs are found', async (t) => {
  const { sandbox, image, run } = await start(t);
  const path = '/importImage$';
  const message = 'Error copying blobs. Timed out.';
  sandbox.faults.add({ path, count: 1, action: { kind: 'fail-operation', message } });
  const untaggedTargetRepositories = ['team/b'];
  await t.throwsAsync(run({ untaggedTargetRepositories }), { message: /Error copying blobs/ });
  sandbox.faults.add({ path, count: 1, action: { kind: 'drop-digest', digest: image.digest } });
  await t.throwsAsync(run({ untaggedTargetRepositories }), { message: /Nothing to import/ });
  await run({ untaggedTargetRepositories });
  t.is((await loopbackOf(sandbox, 'sensitive').manifest('team/b', image.digest)).status, 200);
});

test('an operation that was running is taken up after a restart; an endless one stays so', async (t) => {
  const { sandbox, image } = await start(t);
  const agent = agentOf(t, sandbox, 'inside');
  const token = entraToken(sandbox, 'inside-promoter', 'https://management.azure.com');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  sandbox.faults.add({ path: '/importImage$', action: { kind: 'endless-operation' } });
  const begun = await wire(`https://management.azure.com${id}/importImage?api-version=2025-11-01`, {
    method: 'POST',
    agent,
    headers,
    body: JSON.stringify({
      source: { resourceId: source.id, sourceImage: 'team/a:v1' },
      targetTags: ['team/a:v1'],
    }),
  });
  t.is(begun.status, 202);
  t.is(begun.headers['retry-after'], '1');
  const location = String(begun.headers.location);
  const operation =
    /\/locations\/JAPANEAST\/operationResults\/(registries-[0-9a-f-]{36})\?api-version=2025-11-01$/.exec(
      location,
    )?.[1];
  t.is((await wire(location, { agent, headers })).status, 202);
  await sandbox.stop();
  const { directory } = sandbox.description;
  const again = await startTestSandbox(t, { dir: directory });
  t.is((await wire(location, { agent: agentOf(t, again, 'inside'), headers })).status, 202);
  await again.stop();
  const file = join(directory, 'state', 'operations', `${operation ?? ''}.json`);
  writeJson(file, { ...(readJson(file) as object), endless: false });
  const resumed = await startTestSandbox(t, { dir: directory });
  await resumed.stop();
  t.like(readJson(file), { status: 'Succeeded' });
  const last = await startTestSandbox(t, { dir: directory });
  t.is((await wire(location, { agent: agentOf(t, last, 'inside'), headers })).status, 200);
  t.is((await loopbackOf(last, 'sensitive').manifest('team/a', image.digest)).status, 200);
});
