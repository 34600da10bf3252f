import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { accessOf, loadZones } from '../../src/manifest/zones.ts';
import { zonesYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

test('the manifest of the design', async (t) => {
  const directory = await temporaryDirectory(t, { 'zones.yaml': zonesYaml });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  t.like(zones.zones.nonsensitive, {
    registry: { host: 'contosodev.azurecr.io' },
    access: { identity: { kind: 'workload', tokenFile: path.join(directory, 'token') }, network: {} },
    workspaces: {},
    admits: [],
  });
  t.deepEqual(accessOf(zones, 'sensitive').network, {
    resolve: { 'contososec.azurecr.io': '10.1.0.5', '*': '127.0.0.1:8443' },
    ca: path.join(directory, 'corp-ca.pem'),
    proxy: 'http://proxy.corp:3128',
  });
  t.deepEqual(zones.zones.sensitive.workspaces['risk']?.compute, { cpu: 'cpu-cluster', gpu: 'gpu-cluster' });
  t.deepEqual(
    zones.routes.map(({ via }) => via),
    ['acr-import', 'registry'],
  );
});

test('the formats of an older version can be asked for, as the number that YAML reads or as text', async (t) => {
  for (const [written, read] of [
    ['', undefined],
    ['formats: 0.1\n', '0.1'],
    ["formats: '0.1'\n", '0.1'],
  ] as const) {
    const directory = await temporaryDirectory(t, { 'zones.yaml': `${zonesYaml}${written}` });
    t.is((await loadZones(path.join(directory, 'zones.yaml'))).formats, read);
  }
  for (const written of ['formats: 0.2\n', 'formats: new\n', 'formats: 1\n']) {
    const directory = await temporaryDirectory(t, { 'zones.yaml': `${zonesYaml}${written}` });
    await t.throwsAsync(loadZones(path.join(directory, 'zones.yaml')), {
      code: 'MANIFEST_INVALID',
      message: /formats: can only be 0\.1/,
    });
  }
});

test('a one-sided manifest has no access to the other zone, and says so when asked', async (t) => {
  const oneSided = zonesYaml.replace(/ {4}access: \{ tenant.*\n/, '');
  const directory = await temporaryDirectory(t, { 'zones.yaml': oneSided });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  t.is(zones.zones.nonsensitive.access, undefined);
  const error = t.throws(() => accessOf(zones, 'nonsensitive'), { instanceOf: AmlpromoteError });
  t.is(error.code, 'USAGE');
  t.truthy(accessOf(zones, 'sensitive'));
});

const cases: readonly (readonly [title: string, from: string, to: string, expected: RegExp])[] = [
  [
    'misspelt zone',
    '  sensitive:',
    '  sensitve:',
    /unknown key "sensitve" in zones; did you mean "sensitive"\?/,
  ],
  [
    'host with a scheme',
    'host: contosodev.azurecr.io',
    'host: https://contosodev.azurecr.io',
    /zones.nonsensitive.registry.host: is not a registry host/,
  ],
  [
    'host in upper case',
    'host: contosodev.azurecr.io',
    'host: ContosoDev.azurecr.io',
    /is not a registry host/,
  ],
  [
    'both zones with one registry',
    'host: contosodev.azurecr.io',
    'host: contososec.azurecr.io',
    /is also the registry of the non-sensitive zone/,
  ],
  [
    'ARM id of another type',
    'registries/contosodev',
    'tokens/contosodev',
    /registry.id: is not an ARM id of the form/,
  ],
  [
    'ARM id that climbs',
    'rg-ml/providers/Microsoft.Machine',
    '../providers/Microsoft.Machine',
    /is not an ARM id/,
  ],
  ['identity of no known kind', 'kind: managed', 'kind: manged', /identity/],
  [
    'identity with a foreign key',
    'kind: managed, clientId',
    'kind: managed, tokenFile: x, clientId',
    /unknown key "tokenFile" in zones.sensitive.access.identity/,
  ],
  [
    'workload without client id',
    'clientId: 11111111-1111-1111-1111-111111111111, ',
    '',
    /identity.clientId: is missing/,
  ],
  [
    'workspace that is not there',
    'workspaces: [risk]',
    'workspaces: [rsk]',
    /admits\[0\].workspaces\[0\]: names workspace "rsk", which zones.sensitive.workspaces does not have/,
  ],
  [
    'route back',
    'from: nonsensitive, to: sensitive, via: acr-import',
    'from: sensitive, to: nonsensitive, via: acr-import',
    /routes\[0\].from: expected "nonsensitive"/,
  ],
  [
    'route of no kind',
    'via: acr-import',
    'via: acr-imprt',
    /routes\[0\].via: expected one of .*did you mean "acr-import"\?/,
  ],
  ['resolve to a name', '10.1.0.5', 'other.host', /is not an address/],
  ['resolve to a bad port', '127.0.0.1:8443', '127.0.0.1:70000', /is not an address/],
  [
    'proxy with credentials',
    'http://proxy.corp:3128',
    'http://me:hunter2@proxy.corp:3128',
    /proxy: is not a proxy URL/,
  ],
  ['proxy that is no URL', 'http://proxy.corp:3128', 'proxy.corp:3128', /proxy: is not a proxy URL/],
  ['unknown top-level key', 'routes:', 'route:', /unknown key "route"; did you mean "routes"\?/],
];

for (const [title, from, to, expected] of cases)
  test(`refused: ${title}`, async (t) => {
    t.true(zonesYaml.includes(from), 'the case must change the sample');
    const directory = await temporaryDirectory(t, { 'zones.yaml': zonesYaml.replace(from, () => to) });
    const error = await t.throwsAsync(loadZones(path.join(directory, 'zones.yaml')), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'MANIFEST_INVALID');
    t.regex(error.message, expected);
    t.false(error.message.includes('hunter2'));
  });

for (const address of ['10.0.0.1', '10.0.0.1:443', 'fd00::5', '[fd00::5]:8443'])
  test(`resolve to ${address}`, async (t) => {
    const directory = await temporaryDirectory(t, {
      'zones.yaml': zonesYaml.replace('127.0.0.1:8443', address),
    });
    const zones = await loadZones(path.join(directory, 'zones.yaml'));
    t.is(accessOf(zones, 'sensitive').network.resolve?.['*'], address);
  });
