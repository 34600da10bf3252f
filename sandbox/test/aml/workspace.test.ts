import test from 'ava';
import { identities, workspace } from '../../topology.ts';
import { mlClient, raw } from '../../../test/support/aml-clients.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

interface Body {
  readonly properties: Record<string, unknown>;
  readonly value: readonly { readonly name: string; readonly properties: Record<string, unknown> }[];
  readonly error: { readonly code: string; readonly message: string };
}
const body = async (answer: Promise<{ body: unknown }>): Promise<Body> => (await answer).body as Body;
const group = workspace.resourceGroup;

test('the workspace shows the posture of a sealed zone', async (t) => {
  const { properties } = await body(raw(await startAmlSandbox(t), ''));
  t.is(properties.publicNetworkAccess, 'Disabled');
  t.is(properties.v1LegacyMode, false);
  t.is(properties.systemDatastoresAuthMode, 'Identity');
  t.like(properties.managedNetwork, { isolationMode: 'AllowOnlyApprovedOutbound' });
  t.like(properties.privateEndpointConnections, [
    { properties: { privateLinkServiceConnectionState: { status: 'Approved' } } },
  ]);
  t.is(properties.discoveryUrl, `https://${workspace.apiHost}/discovery`);
});

test('fields appear with the api-version that brought them', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const keys = async (apiVersion: string) =>
    Object.keys((await body(raw(sandbox, '', { apiVersion }))).properties);
  const old = await keys('2022-10-01');
  t.false(old.includes('managedNetwork'));
  t.false(old.includes('systemDatastoresAuthMode'));
  const middle = await keys('2023-10-01');
  t.true(middle.includes('managedNetwork'));
  t.false(middle.includes('systemDatastoresAuthMode'));
  t.true((await keys('2026-07-01')).includes('systemDatastoresAuthMode'));
});

test('the real SDK reads workspace, computes and the default datastore', async (t) => {
  const client = mlClient(await startAmlSandbox(t));
  t.is((await client.workspaces.get(group, workspace.name)).publicNetworkAccess, 'Disabled');
  const compute = await client.computeOperations.get(group, workspace.name, 'cpu-cluster');
  t.is(compute.properties?.computeType, 'AmlCompute');
  const names: (string | undefined)[] = [];
  for await (const { name } of client.computeOperations.list(group, workspace.name)) names.push(name);
  t.deepEqual(names, ['cpu-cluster']);
  for await (const { name, properties } of client.datastores.list(group, workspace.name, {
    isDefault: true,
  })) {
    t.is(name, 'workspaceblobstore');
    t.like(properties, { accountName: 'stcontososec', containerName: workspace.datastore.container });
  }
  const artifacts = await client.datastores.get(group, workspace.name, 'workspaceartifactstore');
  t.is(artifacts.properties.isDefault, false);
});

test('a missing token, role, workspace, group, compute or api-version is told as ARM tells it', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const denied = await raw(sandbox, '', { identity: 'outside-promoter' });
  t.is(denied.status, 403);
  t.is((denied.body as Body).error.code, 'AuthorizationFailed');
  t.true((denied.body as Body).error.message.includes(identities['outside-promoter'].objectId));
  t.true((denied.body as Body).error.message.includes('Microsoft.MachineLearningServices/workspaces/read'));

  const elsewhere = workspace.id.replace('ml-risk', 'ml-other');
  const missing = await raw(sandbox, elsewhere);
  t.is(missing.status, 404);
  t.is((missing.body as Body).error.code, 'ResourceNotFound');
  t.regex(
    (missing.body as Body).error.message,
    /workspaces\/ml-other' under resource group 'rg-contoso-sec' was not found/,
  );

  // Nobody holds a role in another group, and ARM does not tell strangers whether it exists.
  t.is((await raw(sandbox, workspace.id.replace(group, 'rg-other'))).status, 403);
  t.is((await body(raw(sandbox, '', { apiVersion: '' }))).error.code, 'MissingApiVersionParameter');
  t.is((await body(raw(sandbox, '', { apiVersion: '2021-01-01' }))).error.code, 'NoRegisteredProviderFound');
  t.is((await raw(sandbox, '/computes/gpu')).status, 404);
  t.is((await raw(sandbox, '/datastores/nope')).status, 404);
});

test('ARM ids are taken in any case', async (t) => {
  const sandbox = await startAmlSandbox(t);
  const path = workspace.id.replace('resourceGroups', 'resourcegroups').replace('ml-risk', 'ML-Risk');
  t.is((await raw(sandbox, path)).status, 200);
});
