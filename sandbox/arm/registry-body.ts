import type { Plane } from '../acr/plane.ts';
import { region } from '../topology.ts';
import type { Since } from './versions.ts';
import { shownIn } from './versions.ts';

export const registryType = 'Microsoft.ContainerRegistry/registries';

/**
 * From the change log of `Microsoft.ContainerRegistry/registries` (Azure template reference) and the models of the public
 * SDKs, each generated from one version.
 */
const since: Readonly<Record<string, Since>> = {
  networkRuleSet: { preview: '2019-05-01', stable: '2019-05-01' },
  policies: { preview: '2019-05-01', stable: '2019-05-01' },
  encryption: { preview: '2019-12-01', stable: '2021-09-01' },
  dataEndpointEnabled: { preview: '2019-12-01', stable: '2021-09-01' },
  dataEndpointHostNames: { preview: '2019-12-01', stable: '2021-09-01' },
  privateEndpointConnections: { preview: '2019-12-01', stable: '2021-09-01' },
  publicNetworkAccess: { preview: '2019-12-01', stable: '2021-09-01' },
  networkRuleBypassOptions: { preview: '2019-12-01', stable: '2021-09-01' },
  zoneRedundancy: { preview: '2020-11-01', stable: '2021-09-01' },
  anonymousPullEnabled: { preview: '2020-11-01', stable: '2025-11-01' },
  roleAssignmentMode: { preview: '2024-11-01', stable: '2025-11-01' },
};

const policiesSince: Readonly<Record<string, Since>> = {
  exportPolicy: { preview: '2021-06-01', stable: '2021-09-01' },
  azureADAuthenticationAsArmPolicy: { preview: '2022-02-01', stable: '2025-11-01' },
  softDeletePolicy: { preview: '2022-02-01' },
};

/** The sealed registry is as `zone check` wants it; the other is an ordinary Premium registry on the internet. */
export function registryBody(plane: Plane, apiVersion: string): object {
  const { names } = plane;
  const sealed = names.zone === 'sensitive';
  const access = sealed ? 'Disabled' : 'Enabled';
  return {
    id: names.id,
    name: names.name,
    type: registryType,
    location: region,
    tags: registryTags(plane),
    sku: { name: 'Premium', tier: 'Premium' },
    properties: shownIn(apiVersion, since, {
      loginServer: names.host,
      creationDate: '2026-01-01T00:00:00.0000000Z',
      provisioningState: 'Succeeded',
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      dataEndpointEnabled: true,
      dataEndpointHostNames: [names.dataHost],
      publicNetworkAccess: access,
      networkRuleSet: { defaultAction: sealed ? 'Deny' : 'Allow', ipRules: [] },
      networkRuleBypassOptions: 'AzureServices',
      zoneRedundancy: 'Disabled',
      roleAssignmentMode: 'LegacyRegistryPermissions',
      encryption: { status: 'disabled' },
      policies: shownIn(apiVersion, policiesSince, {
        quarantinePolicy: { status: 'disabled' },
        trustPolicy: { type: 'Notary', status: 'disabled' },
        retentionPolicy: { days: 7, status: 'disabled' },
        exportPolicy: { status: plane.settings().exportPolicy },
        azureADAuthenticationAsArmPolicy: { status: 'enabled' },
        softDeletePolicy: { retentionDays: 7, status: 'disabled' },
      }),
      privateEndpointConnections: privateEndpoints(plane),
    }),
  };
}

export const registryTags = ({ names }: Plane): Record<string, string> => ({
  environment: names.zone === 'sensitive' ? 'sealed' : 'development',
});

/** The sealed registry has one; the other has none. */
export function privateEndpoints({ names }: Plane): { readonly name: string }[] {
  if (names.zone !== 'sensitive') return [];
  const group = names.id.split('/providers/')[0] ?? '';
  const connection = {
    id: `${names.id}/privateEndpointConnections/pe-${names.name}`,
    name: `pe-${names.name}`,
    type: `${registryType}/privateEndpointConnections`,
    properties: {
      privateEndpoint: { id: `${group}/providers/Microsoft.Network/privateEndpoints/pe-${names.name}` },
      privateLinkServiceConnectionState: {
        status: 'Approved',
        description: 'Auto-Approved',
        actionsRequired: 'None',
      },
      provisioningState: 'Succeeded',
    },
  };
  return [connection];
}

/** What a private endpoint to it resolves: the registry and its data endpoint. */
export const privateLinkResources = ({ names }: Plane): object[] => [
  {
    id: `${names.id}/privateLinkResources/registry`,
    name: 'registry',
    type: `${registryType}/privateLinkResources`,
    properties: {
      groupId: 'registry',
      requiredMembers: ['registry', `registry_data_${region}`],
      requiredZoneNames: ['privatelink.azurecr.io'],
    },
  },
];

const gib = 1024 ** 3;

/** `listUsages`: limits of the Premium tier ("Azure Container Registry service tiers"), values of this registry. */
export function usages(plane: Plane): object[] {
  const { store } = plane;
  const held = new Set<string>();
  let size = 0;
  for (const name of store.repositories()) {
    const { blobs = {}, manifests = {} } = store.repository(name)?.data ?? {};
    for (const digest of Object.keys({ ...blobs, ...manifests }) as (keyof typeof blobs)[]) {
      if (held.has(digest)) continue;
      held.add(digest);
      size += store.blobs.sizeOf(digest) ?? 0;
    }
  }
  const count = (name: string, limit: number, currentValue: number): object => ({
    name,
    limit,
    currentValue,
    unit: 'Count',
  });
  return [
    { name: 'Size', limit: 500 * gib, currentValue: size, unit: 'Bytes' },
    count('Webhooks', 500, 0),
    count('Geo-replications', -1, 0),
    count('IPRules', 200, 0),
    count('VNetRules', 100, 0),
    count('PrivateEndpoints', 200, privateEndpoints(plane).length),
    count('ScopeMaps', 50000, 0),
    count('Tokens', 50000, 0),
  ];
}
