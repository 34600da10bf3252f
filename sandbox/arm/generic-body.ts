import { keyVault, storage, tenant } from '../topology.ts';
import type { CatalogueEntry } from './catalogue.ts';

/** Storage account and key vault, closed to the internet as the sealed zone wants it; read only. */
export const genericBody = (entry: CatalogueEntry): object => ({
  ...entry,
  properties: entry.id === storage.id ? storageProperties : vaultProperties,
});

const storageProperties = {
  provisioningState: 'Succeeded',
  creationTime: '2026-01-01T00:00:00.0000000Z',
  allowBlobPublicAccess: false,
  allowSharedKeyAccess: false,
  publicNetworkAccess: 'Disabled',
  minimumTlsVersion: 'TLS1_2',
  supportsHttpsTrafficOnly: true,
  networkAcls: { bypass: 'AzureServices', defaultAction: 'Deny', ipRules: [], virtualNetworkRules: [] },
  primaryEndpoints: Object.fromEntries(
    Object.entries(storage.endpoints).map(([service, host]) => [service, `https://${host}/`]),
  ),
};

const vaultProperties = {
  provisioningState: 'Succeeded',
  sku: { family: 'A', name: 'standard' },
  tenantId: tenant,
  vaultUri: `https://${keyVault.host}/`,
  enableRbacAuthorization: true,
  publicNetworkAccess: 'Disabled',
};
