/**
 * The fixed names of the two-zone Azure that the sandbox plays: one tenant, two subscriptions, two registries, one sealed
 * workspace. Only ports and directories differ between two sandboxes.
 */
export type ZoneName = 'nonsensitive' | 'sensitive';

export const tenant = '11111111-1111-4111-8111-111111111111';
export const region = 'japaneast';

export const subscriptions = {
  nonsensitive: '00000000-0000-4000-8000-00000000de00',
  sensitive: '00000000-0000-4000-8000-000000005ec0',
} as const;
const resourceGroups = { nonsensitive: 'rg-contoso-dev', sensitive: 'rg-contoso-sec' } as const;

const groupId = (zone: ZoneName): string =>
  `/subscriptions/${subscriptions[zone]}/resourceGroups/${resourceGroups[zone]}`;

export interface RegistryNames {
  readonly zone: ZoneName;
  readonly name: string;
  readonly host: string;
  /** Where blob downloads are redirected to (the registry's dedicated data endpoint). */
  readonly dataHost: string;
  readonly id: string;
  readonly subscription: string;
  readonly resourceGroup: string;
}

const registry = (zone: ZoneName, name: string): RegistryNames => ({
  zone,
  name,
  host: `${name}.azurecr.io`,
  dataHost: `${name}.${region}.data.azurecr.io`,
  id: `${groupId(zone)}/providers/Microsoft.ContainerRegistry/registries/${name}`,
  subscription: subscriptions[zone],
  resourceGroup: resourceGroups[zone],
});

export const registries = {
  nonsensitive: registry('nonsensitive', 'contosodev'),
  sensitive: registry('sensitive', 'contososec'),
} as const satisfies Record<ZoneName, RegistryNames>;

const workspaceGuid = '5ec0a111-0000-4000-8000-0000000000a1';
const workspaceId = `${groupId('sensitive')}/providers/Microsoft.MachineLearningServices/workspaces/ml-risk`;

/** `key` is the name by which the zones manifest knows the workspace. */
export const workspace = {
  key: 'risk',
  name: 'ml-risk',
  id: workspaceId,
  guid: workspaceGuid,
  subscription: subscriptions.sensitive,
  resourceGroup: resourceGroups.sensitive,
  /** Data plane: run history, artifacts (`discoveryUrl` points here). */
  apiHost: `${workspaceGuid}.workspace.${region}.api.azureml.ms`,
  /** The same services at the regional host that older clients use. */
  regionalHost: `${region}.api.azureml.ms`,
  /** The same again, for clients with a certificate of their own. */
  certHost: `${workspaceGuid}.workspace.${region}.cert.api.azureml.ms`,
  compute: {
    /** Name in the zones manifest. */
    key: 'cpu',
    name: 'cpu-cluster',
    id: `${workspaceId}/computes/cpu-cluster`,
  },
  datastore: { name: 'workspaceblobstore', container: `azureml-blobstore-${workspaceGuid}` },
} as const;

export const storage = {
  name: 'stcontososec',
  blobHost: 'stcontososec.blob.core.windows.net',
  endpoints: {
    blob: 'stcontososec.blob.core.windows.net',
    file: 'stcontososec.file.core.windows.net',
    queue: 'stcontososec.queue.core.windows.net',
    table: 'stcontososec.table.core.windows.net',
    dfs: 'stcontososec.dfs.core.windows.net',
  },
  id: `${groupId('sensitive')}/providers/Microsoft.Storage/storageAccounts/stcontososec`,
} as const;

export const keyVault = {
  name: 'kvcontososec',
  host: 'kvcontososec.vault.azure.net',
  id: `${groupId('sensitive')}/providers/Microsoft.KeyVault/vaults/kvcontososec`,
} as const;

export type IdentityName = 'outside-promoter' | 'inside-promoter' | 'compute';

export interface IdentityNames {
  readonly name: IdentityName;
  readonly clientId: string;
  readonly objectId: string;
}

const identity = (name: IdentityName, digit: number): IdentityNames => ({
  name,
  clientId: `00000000-0000-4000-8000-0000000c0de${digit}`,
  objectId: `00000000-0000-4000-8000-00000000b1d${digit}`,
});

export const identities = {
  'outside-promoter': identity('outside-promoter', 1),
  'inside-promoter': identity('inside-promoter', 2),
  compute: identity('compute', 3),
} as const satisfies Record<IdentityName, IdentityNames>;

/** The `aud` of the tokens that each plane accepts: what `SCOPE/.default` asks for. */
export const audiences = {
  arm: 'https://management.azure.com',
  registry: 'https://containerregistry.azure.net',
  storage: 'https://storage.azure.com',
  ml: 'https://ml.azure.com',
  keyVault: 'https://vault.azure.net',
} as const;

export const hosts = {
  login: 'login.microsoftonline.com',
  /** Other names of the same service, which MSAL takes for it. */
  loginAliases: ['login.windows.net', 'login.microsoft.com', 'sts.windows.net'],
  arm: 'management.azure.com',
  studio: 'ml.azure.com',
} as const;

export const resourceGroupId = groupId;

/** Everything above as one value, for the context. */
export const topology = {
  tenant,
  region,
  subscriptions,
  resourceGroups,
  registries,
  workspace,
  storage,
  keyVault,
  identities,
  audiences,
  hosts,
} as const;
export type Topology = typeof topology;
