interface Provider {
  readonly namespace: string;
  readonly types: Readonly<Record<string, readonly string[]>>;
}

const registryVersions = ['2025-11-01', '2025-04-01', '2023-07-01', '2022-12-01', '2021-09-01', '2019-05-01'];
const workspaceVersions = [
  '2025-06-01',
  '2024-10-01',
  '2024-04-01',
  '2023-10-01',
  '2023-04-01',
  '2022-10-01',
];

/** What is registered in both subscriptions. Clients look here for the version to use with a resource id. */
export const providers: readonly Provider[] = [
  {
    namespace: 'Microsoft.ContainerRegistry',
    types: { registries: registryVersions, 'registries/privateEndpointConnections': registryVersions },
  },
  {
    namespace: 'Microsoft.MachineLearningServices',
    types: {
      workspaces: workspaceVersions,
      ...Object.fromEntries(
        [
          'computes',
          'jobs',
          'environments',
          'environments/versions',
          'data',
          'models',
          'codes',
          'datastores',
        ].map((child) => [`workspaces/${child}`, workspaceVersions]),
      ),
    },
  },
  { namespace: 'Microsoft.Storage', types: { storageAccounts: ['2024-01-01', '2023-05-01'] } },
  { namespace: 'Microsoft.KeyVault', types: { vaults: ['2023-07-01', '2022-07-01'] } },
  {
    namespace: 'Microsoft.Resources',
    types: { subscriptions: ['2022-12-01'], resourceGroups: ['2024-03-01'], tenants: ['2022-12-01'] },
  },
];

export const providerBody =
  (subscription: string) =>
  ({ namespace, types }: Provider): object => ({
    id: `/subscriptions/${subscription}/providers/${namespace}`,
    namespace,
    registrationPolicy: 'RegistrationRequired',
    registrationState: 'Registered',
    resourceTypes: Object.entries(types).map(([resourceType, apiVersions]) => ({
      resourceType,
      locations: ['Japan East'],
      apiVersions,
      defaultApiVersion: apiVersions[0],
      capabilities: 'None',
    })),
  });
