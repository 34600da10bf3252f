import { keyVault, registries, region, resourceGroupId, storage, tenant, workspace } from '../topology.ts';
import { datastoreContainers } from './uris.ts';

const group = resourceGroupId('sensitive');
const createdAt = '2026-01-05T00:00:00.0000000Z';
const system = {
  createdAt,
  createdBy: 'platform',
  createdByType: 'Application',
  lastModifiedAt: createdAt,
  lastModifiedBy: 'platform',
  lastModifiedByType: 'Application',
};

/** The sealed workspace, with the posture that azure.md calls private. */
export const workspaceBody = (): object => ({
  id: workspace.id,
  name: workspace.name,
  type: 'Microsoft.MachineLearningServices/workspaces',
  location: region,
  tags: {},
  etag: null,
  kind: 'Default',
  sku: { name: 'Basic', tier: 'Basic' },
  identity: { type: 'SystemAssigned', principalId: '00000000-0000-4000-8000-00000000b1d9', tenantId: tenant },
  systemData: system,
  properties: {
    friendlyName: workspace.name,
    description: '',
    storageAccount: storage.id,
    keyVault: keyVault.id,
    applicationInsights: null,
    containerRegistry: registries.sensitive.id,
    hbiWorkspace: false,
    tenantId: tenant,
    imageBuildCompute: null,
    provisioningState: 'Succeeded',
    v1LegacyMode: false,
    storageHnsEnabled: false,
    workspaceId: workspace.guid,
    allowPublicAccessWhenBehindVnet: false,
    publicNetworkAccess: 'Disabled',
    privateLinkCount: 1,
    privateEndpointConnections: [privateEndpointConnection],
    sharedPrivateLinkResources: [],
    discoveryUrl: `https://${workspace.apiHost}/discovery`,
    mlFlowTrackingUri: `azureml://${region}.api.azureml.ms/mlflow/v1.0${workspace.id}`,
    notebookInfo: null,
    managedNetwork: {
      isolationMode: 'AllowOnlyApprovedOutbound',
      outboundRules: {
        storage: outbound('blob', storage.id),
        keyvault: outbound('vault', keyVault.id),
        registry: outbound('registry', registries.sensitive.id),
      },
      status: { status: 'Active', sparkReady: false },
      firewallSku: 'Standard',
    },
    systemDatastoresAuthMode: 'Identity',
    enableDataIsolation: false,
    provisionNetworkNow: true,
  },
});

const privateEndpointConnection = {
  id: `${workspace.id}/privateEndpointConnections/pe-ml-risk`,
  name: 'pe-ml-risk',
  type: 'Microsoft.MachineLearningServices/workspaces/privateEndpointConnections',
  location: region,
  properties: {
    provisioningState: 'Succeeded',
    groupIds: ['amlworkspace'],
    privateEndpoint: { id: `${group}/providers/Microsoft.Network/privateEndpoints/pe-ml-risk` },
    privateLinkServiceConnectionState: {
      status: 'Approved',
      description: 'Auto-Approved',
      actionsRequired: 'None',
    },
  },
};

const outbound = (subresourceTarget: string, serviceResourceId: string): object => ({
  type: 'PrivateEndpoint',
  category: 'Required',
  status: 'Active',
  destination: { serviceResourceId, subresourceTarget, sparkEnabled: false, sparkStatus: 'Inactive' },
});

/** The one cluster; its identity is a user-assigned one, as for a registry with AcrPull by identity. */
export const computeBody = (): object => ({
  id: workspace.compute.id,
  name: workspace.compute.name,
  type: 'Microsoft.MachineLearningServices/workspaces/computes',
  location: region,
  tags: {},
  identity: {
    type: 'UserAssigned',
    userAssignedIdentities: {
      [`${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cpu-cluster`]: {},
    },
  },
  properties: {
    computeType: 'AmlCompute',
    computeLocation: region,
    description: null,
    createdOn: createdAt,
    modifiedOn: createdAt,
    provisioningState: 'Succeeded',
    provisioningErrors: null,
    resourceId: null,
    isAttachedCompute: false,
    disableLocalAuth: true,
    properties: {
      vmSize: 'STANDARD_D2S_V5',
      vmPriority: 'Dedicated',
      osType: 'Linux',
      isolatedNetwork: false,
      scaleSettings: { minNodeCount: 0, maxNodeCount: nodes, nodeIdleTimeBeforeScaleDown: 'PT120S' },
      remoteLoginPortPublicAccess: 'Disabled',
      allocationState: 'Steady',
      allocationStateTransitionTime: createdAt,
      currentNodeCount: 0,
      targetNodeCount: 0,
      enableNodePublicIp: false,
    },
  },
});

/** Jobs that run at the same time. */
export const nodes = 2;

export const datastoreNames: readonly string[] = Object.keys(datastoreContainers);

/** A datastore without credentials: access is by the caller's own identity (`systemDatastoresAuthMode`). */
export const datastoreBody = (name: string): object => ({
  id: `${workspace.id}/datastores/${name}`,
  name,
  type: 'Microsoft.MachineLearningServices/workspaces/datastores',
  properties: {
    description: null,
    tags: {},
    properties: null,
    isDefault: name === workspace.datastore.name,
    credentials: { credentialsType: 'None' },
    datastoreType: 'AzureBlob',
    accountName: storage.name,
    containerName: datastoreContainers[name],
    endpoint: 'core.windows.net',
    protocol: 'https',
    serviceDataAccessAuthIdentity: 'WorkspaceSystemAssignedIdentity',
    subscriptionId: workspace.subscription,
    resourceGroup: workspace.resourceGroup,
  },
  systemData: system,
});
