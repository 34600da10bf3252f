import { region, tenant } from '../topology.ts';
import type { Subscription } from './catalogue.ts';

/** What the directory shows; the fields are those of the Subscriptions and Resources APIs. */
export const tenantBody = {
  id: `/tenants/${tenant}`,
  tenantId: tenant,
  countryCode: 'JP',
  displayName: 'Contoso',
  domains: ['contoso.onmicrosoft.com'],
  tenantCategory: 'Home',
  defaultDomain: 'contoso.onmicrosoft.com',
  tenantType: 'AAD',
};

export const subscriptionBody = ({ id, displayName }: Subscription): object => ({
  id: `/subscriptions/${id}`,
  authorizationSource: 'RoleBased',
  managedByTenants: [],
  subscriptionId: id,
  tenantId: tenant,
  displayName,
  state: 'Enabled',
  subscriptionPolicies: {
    locationPlacementId: 'Public_2014-09-01',
    quotaId: 'EnterpriseAgreement_2014-09-01',
    spendingLimit: 'Off',
  },
});

export const locationBody = ({ id }: Subscription): object => ({
  id: `/subscriptions/${id}/locations/${region}`,
  name: region,
  type: 'Region',
  displayName: 'Japan East',
  regionalDisplayName: '(Asia Pacific) Japan East',
  metadata: { regionType: 'Physical', regionCategory: 'Recommended', geography: 'Japan' },
});

export const groupBody = ({ id, name }: { readonly id: string; readonly name: string }): object => ({
  id,
  name,
  type: 'Microsoft.Resources/resourceGroups',
  location: region,
  properties: { provisioningState: 'Succeeded' },
});
