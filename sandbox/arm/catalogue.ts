import type { Plane } from '../acr/plane.ts';
import type { Principal, SandboxContext } from '../context.ts';
import type { ZoneName } from '../topology.ts';
import { keyVault, region, resourceGroupId, storage, subscriptions, workspace } from '../topology.ts';
import { registryTags, registryType } from './registry-body.ts';

/** A resource as ARM itself knows it, without what only its provider knows. */
export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly kind?: string;
  readonly sku?: object;
}

export const machineLearningType = 'Microsoft.MachineLearningServices/workspaces';

export const catalogue = (planes: readonly Plane[]): readonly CatalogueEntry[] => [
  ...planes.map((plane) => ({
    id: plane.names.id,
    name: plane.names.name,
    type: registryType,
    location: region,
    tags: registryTags(plane),
    sku: { name: 'Premium', tier: 'Premium' },
  })),
  {
    id: workspace.id,
    name: workspace.name,
    type: machineLearningType,
    location: region,
    kind: 'Default',
    sku: { name: 'Basic', tier: 'Basic' },
  },
  {
    id: storage.id,
    name: storage.name,
    type: 'Microsoft.Storage/storageAccounts',
    location: region,
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS', tier: 'Standard' },
  },
  { id: keyVault.id, name: keyVault.name, type: 'Microsoft.KeyVault/vaults', location: region },
];

/** Lists show what the caller may read, and say nothing of the rest. */
export const readable = (
  context: SandboxContext,
  principal: Principal,
  entries: readonly CatalogueEntry[],
): CatalogueEntry[] =>
  entries.filter(({ id, type }) => context.roles.allows(principal.name, id, `${type}/read`));

const displayNames: Readonly<Record<ZoneName, string>> = {
  nonsensitive: 'contoso-development',
  sensitive: 'contoso-sealed',
};

export interface Subscription {
  readonly zone: ZoneName;
  readonly id: string;
  readonly displayName: string;
}

/**
 * Those in which the caller has any role at all. The one where it has most comes first, because `az login` makes the first
 * one the default.
 */
export function visibleSubscriptions(context: SandboxContext, principal: Principal): Subscription[] {
  const rolesIn = (id: string): number =>
    context.roles
      .list()
      .filter(
        ({ identity, scope }) =>
          identity === principal.name && `${scope}/`.toLowerCase().startsWith(`/subscriptions/${id}/`),
      ).length;
  return (['nonsensitive', 'sensitive'] as const)
    .map((zone) => ({ zone, id: subscriptions[zone], displayName: displayNames[zone] }))
    .filter(({ id }) => rolesIn(id) > 0)
    .sort((a, b) => rolesIn(b.id) - rolesIn(a.id));
}

/** Resource groups of a subscription that the caller may read. */
export const visibleGroups = (
  context: SandboxContext,
  principal: Principal,
  zone: ZoneName,
): { readonly id: string; readonly name: string }[] =>
  [resourceGroupId(zone)]
    .filter((id) =>
      context.roles.allows(principal.name, id, 'Microsoft.Resources/subscriptions/resourceGroups/read'),
    )
    .map((id) => ({ id, name: id.split('/').at(-1) ?? '' }));
