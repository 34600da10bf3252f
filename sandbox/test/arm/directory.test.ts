import test from 'ava';
import type { ExecutionContext } from 'ava';
import { hosts, registries, subscriptions, workspace } from '../../topology.ts';
import type { IdentityName } from '../../topology.ts';
import type { RunningSandbox } from '../../index.ts';
import { agentOf } from '../support/agent.ts';
import { makeImage } from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { entraToken } from '../support/tokens.ts';
import { startTestSandbox } from '../support/sandbox.ts';
import { wire } from '../support/wire.ts';

type Body = Record<string, unknown> & { value: Record<string, unknown>[]; error: { code: string } };

/** ARM as one identity sees it. */
async function arm(t: ExecutionContext, given?: RunningSandbox) {
  const sandbox = given ?? (await startTestSandbox(t));
  const agent = agentOf(t, sandbox, 'inside');
  const ask = async (path: string, identity: IdentityName = 'inside-promoter', method = 'GET') => {
    const separator = path.includes('?') ? '&' : '?';
    const url = `https://${hosts.arm}${path}${path.includes('api-version') ? '' : `${separator}api-version=2022-12-01`}`;
    const authorization = `Bearer ${entraToken(sandbox, identity, 'https://management.azure.com')}`;
    const { status, text } = await wire(url, { agent, method, headers: { authorization } });
    return { status, body: (text === '' ? {} : JSON.parse(text)) as Body };
  };
  return { sandbox, ask };
}

const names = ({ body }: { body: Body }, key = 'name'): unknown[] => body.value.map((each) => each[key]);
const sub = `/subscriptions/${subscriptions.sensitive}`;
const dev = `/subscriptions/${subscriptions.nonsensitive}`;

test('subscriptions are those where the caller has a role; its own comes first', async (t) => {
  const { ask } = await arm(t);
  t.deepEqual(names(await ask('/subscriptions'), 'displayName'), ['contoso-sealed', 'contoso-development']);
  t.deepEqual(names(await ask('/subscriptions', 'outside-promoter'), 'displayName'), ['contoso-development']);
  t.is((await ask(sub, 'outside-promoter')).status, 404);
  t.is((await ask(sub.toUpperCase().replace('SUBSCRIPTIONS', 'subscriptions'))).status, 200);
  t.is((await ask('/tenants')).body.value.length, 1);
  t.deepEqual(names(await ask(`${sub}/locations`)), ['japaneast']);
});

test('lists of resources show what the caller may read', async (t) => {
  const { sandbox, ask } = await arm(t);
  t.deepEqual(names(await ask(`${sub}/resources`)), [
    'contososec',
    'ml-risk',
    'stcontososec',
    'kvcontososec',
  ]);
  t.deepEqual(names(await ask(`${sub}/resourceGroups/rg-contoso-sec/resources`)).length, 4);
  t.deepEqual(names(await ask(`${sub}/resourceGroups/other/resources`)), []);
  t.deepEqual(names(await ask(`${dev}/resources`, 'outside-promoter')), ['contosodev']);
  t.deepEqual(names(await ask(`${sub}/resources?$top=2`)).length, 2);
  sandbox.context.roles.replace([
    { identity: 'inside-promoter', role: 'AzureML Data Scientist', scope: workspace.id },
  ]);
  t.deepEqual(names(await ask(`${sub}/resources`)), ['ml-risk']);
  t.deepEqual(names(await ask(`${sub}/providers/Microsoft.ContainerRegistry/registries`)), []);
});

for (const [filter, expected] of [
  ["resourceType eq 'Microsoft.ContainerRegistry/registries'", ['contososec']],
  ["resourcetype eq 'microsoft.containerregistry/registries' and name eq 'CONTOSOSEC'", ['contososec']],
  ["name eq 'contososec' and location eq 'westeurope'", []],
  ["tagName eq 'environment' and tagValue eq 'sealed'", ['contososec']],
  ["tagName eq 'environment' and tagValue eq 'open'", []],
  ["resourceGroup eq 'RG-contoso-sec'", ['contososec', 'ml-risk', 'stcontososec', 'kvcontososec']],
  ["name eq 'it''s'", []],
] as const)
  test(`resources are filtered: ${filter}`, async (t) => {
    const { ask } = await arm(t);
    t.deepEqual(names(await ask(`${sub}/resources?$filter=${encodeURIComponent(filter)}`)), [...expected]);
  });

for (const filter of ["name ne 'x'", "size eq '1'", 'name eq x', "tagValue eq 'x'", "substringof('a', name)"])
  test(`a filter that the service does not know is refused: ${filter}`, async (t) => {
    const { ask } = await arm(t);
    const { status, body } = await ask(`${sub}/resources?$filter=${encodeURIComponent(filter)}`);
    t.deepEqual([status, body.error.code], [400, 'InvalidFilterInQueryString']);
  });

test('registries, workspaces and other resources are listed by subscription and by group', async (t) => {
  const { ask } = await arm(t);
  for (const scope of [sub, `${sub}/resourceGroups/rg-contoso-sec`])
    for (const [type, name] of [
      ['Microsoft.ContainerRegistry/registries', 'contososec'],
      ['Microsoft.MachineLearningServices/workspaces', 'ml-risk'],
      ['Microsoft.Storage/storageAccounts', 'stcontososec'],
      ['Microsoft.KeyVault/vaults', 'kvcontososec'],
    ] as const) {
      t.deepEqual(names(await ask(`${scope}/providers/${type}`)), [name], `${scope} ${type}`);
      const one = await ask(
        `${sub}/resourceGroups/rg-contoso-sec/providers/${type}/${name}?api-version=2023-07-01`,
      );
      t.deepEqual([one.status, one.body.name], [200, name]);
    }
});

test('ARM takes // for / and any case, and asks for an api-version', async (t) => {
  const { ask } = await arm(t);
  const path = `${sub}/resourcegroups/RG-CONTOSO-SEC/providers/Microsoft.Storage//storageaccounts/stcontososec`;
  t.is((await ask(path)).status, 200);
  t.is((await ask('/subscriptions?api-version=')).body.error.code, 'InvalidApiVersionParameter');
});

test('groups: shown, tested and refused', async (t) => {
  const { ask } = await arm(t);
  t.deepEqual(names(await ask(`${sub}/resourcegroups`)), ['rg-contoso-sec']);
  t.is((await ask(`${sub}/resourcegroups/rg-contoso-sec`, 'inside-promoter', 'HEAD')).status, 204);
  t.is((await ask(`${sub}/resourcegroups/other`)).status, 403);
  t.is((await ask(`${dev}/resourcegroups/rg-contoso-dev`, 'outside-promoter')).status, 403);
  t.is((await ask(`${sub}/providers/Microsoft.ContainerRegistry`)).body.registrationState, 'Registered');
  t.is((await ask(`${sub}/providers/Microsoft.Nothing`)).status, 404);
});

test('a registry shows its usage and its private endpoints', async (t) => {
  const sandbox = await startTestSandbox(t);
  const image = makeImage();
  await loopbackOf(sandbox, 'sensitive').push('team/a', image, 'v1');
  await loopbackOf(sandbox, 'sensitive').push('team/b', image, 'v1');
  const { ask } = await arm(t, sandbox);
  const { id } = registries.sensitive;
  const { body } = await ask(`${id}/listUsages`);
  const size = image.size + image.blobs.reduce((sum, blob) => sum + blob.size, 0);
  t.is(body.value.find(({ name }) => name === 'Size')?.currentValue, size, 'each blob is counted once');
  t.deepEqual(names(await ask(`${id}/privateEndpointConnections`)), ['pe-contososec']);
  t.is((await ask(`${id}/privateEndpointConnections/pe-contososec`)).body.name, 'pe-contososec');
  t.is((await ask(`${id}/privateEndpointConnections/other`)).status, 404);
  t.deepEqual(names(await ask(`${id}/privateLinkResources`)), ['registry']);
  t.deepEqual(names(await ask(`${id}/replications`)), []);
  const open = registries.nonsensitive.id;
  t.deepEqual(names(await ask(`${open}/privateEndpointConnections`, 'outside-promoter')), []);
  t.is((await ask(`${id}/listUsages`, 'outside-promoter')).status, 403);
});

for (const [apiVersion, has, hasNot] of [
  ['2019-05-01', ['networkRuleSet', 'policies'], ['publicNetworkAccess', 'privateEndpointConnections']],
  ['2021-09-01', ['publicNetworkAccess', 'zoneRedundancy'], ['anonymousPullEnabled', 'roleAssignmentMode']],
  ['2023-07-01', ['dataEndpointHostNames'], ['anonymousPullEnabled', 'roleAssignmentMode']],
  ['2023-11-01-preview', ['anonymousPullEnabled'], ['roleAssignmentMode']],
  ['2024-11-01-preview', ['anonymousPullEnabled', 'roleAssignmentMode'], []],
  ['2025-11-01', ['anonymousPullEnabled', 'roleAssignmentMode'], []],
] as const)
  test(`a registry has the fields of api-version ${apiVersion}, alone and in lists`, async (t) => {
    const { ask } = await arm(t);
    const one = await ask(`${registries.sensitive.id}?api-version=${apiVersion}`);
    const all = await ask(
      `${sub}/providers/Microsoft.ContainerRegistry/registries?api-version=${apiVersion}`,
    );
    for (const properties of [one.body.properties, all.body.value[0]?.properties] as object[]) {
      for (const key of has) t.true(key in properties, key);
      for (const key of hasNot) t.false(key in properties, key);
    }
    const { policies } = one.body.properties as { policies: object };
    t.is('softDeletePolicy' in policies, apiVersion.endsWith('preview'));
    t.is(
      'azureADAuthenticationAsArmPolicy' in policies,
      apiVersion.endsWith('preview') || apiVersion === '2025-11-01',
    );
  });
