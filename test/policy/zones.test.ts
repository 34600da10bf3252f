import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { loadZones } from '../../src/manifest/zones.ts';
import type { RouteKind } from '../../src/manifest/zones.ts';
import { admittedWorkspaces, approvedRoute, requireApprovedOrigin } from '../../src/policy/zones.ts';
import { zonesYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

test('a repository is admitted to the workspaces whose rules match it, and to no other', async (t) => {
  const directory = await temporaryDirectory(t, { 'zones.yaml': zonesYaml });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  t.deepEqual(admittedWorkspaces(zones, 'ml/churn-train'), ['risk']);
  for (const repository of ['ml/other', 'ml/churn', 'ml/churn-a/b', 'x/ml/churn-train', 'ml/churn-train/x'])
    t.deepEqual(admittedWorkspaces(zones, repository), [], repository);
});

test('a workspace that two rules name is there once', async (t) => {
  const twice = zonesYaml.replace(
    'workspaces: [risk] }',
    'workspaces: [risk] }, { repository: "ml/*", workspaces: [risk] }',
  );
  const directory = await temporaryDirectory(t, { 'zones.yaml': twice });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  t.deepEqual(admittedWorkspaces(zones, 'ml/churn-train'), ['risk']);
});

test('the first approved route, or the one asked for; nothing that is not approved', async (t) => {
  const directory = await temporaryDirectory(t, { 'zones.yaml': zonesYaml });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  const via = (...routes: RouteKind[]) =>
    approvedRoute({ routes: routes.map((one) => ({ from: 'nonsensitive', to: 'sensitive', via: one })) });
  t.is(approvedRoute(zones), 'acr-import');
  t.is(via('registry', 'acr-import'), 'registry');
  t.is(via('bundle', 'acr-import'), 'acr-import');
  const refusals = [() => via(), () => via('bundle', 'acr-transfer')];
  for (const refusal of refusals)
    t.is(t.throws(refusal, { instanceOf: AmlpromoteError }).code, 'ROUTE_NOT_APPROVED');
});

test('a release comes from the registry that the zones manifest calls non-sensitive, spelt the same', async (t) => {
  const directory = await temporaryDirectory(t, { 'zones.yaml': zonesYaml });
  const zones = await loadZones(path.join(directory, 'zones.yaml'));
  const { nonsensitive, sensitive } = zones.zones;
  t.notThrows(() => requireApprovedOrigin(zones, { registry: nonsensitive.registry.host }));
  for (const registry of [sensitive.registry.host, `x${nonsensitive.registry.host}`, 'evil.azurecr.io'])
    t.is(
      t.throws(() => requireApprovedOrigin(zones, { registry }), { instanceOf: AmlpromoteError }).code,
      'ROUTE_NOT_APPROVED',
    );
});
