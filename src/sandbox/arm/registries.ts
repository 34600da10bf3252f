import type { Plane } from '../acr/plane.ts';
import type { Principal, SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest } from '../http.ts';
import { audiences, hosts, region } from '../topology.ts';
import { startImport } from './import.ts';
import type { Operations } from './operations.ts';
import { requireApiVersion, resourceNotFound } from './scope.ts';

const type = 'Microsoft.ContainerRegistry/registries';

/** ARM for the two registries: their properties and `importImage`. */
export function registryArmHandlers(
  context: SandboxContext,
  planes: readonly Plane[],
  operations: Operations,
): Handler[] {
  const host = (name: string): boolean => name === hosts.arm;
  // The role comes first: who may not read there is not told what is there.
  const find = (
    request: SandboxRequest,
    match: RegExpExecArray,
    action: string,
  ): { principal: Principal; plane: Plane } => {
    const principal = context.principalOf(request, audiences.arm);
    requireApiVersion(request);
    const [, subscription = '', group = '', name = ''] = match;
    const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${name}`;
    context.requireRole(principal, id, action);
    const plane = planes.find((each) => each.names.id.toLowerCase() === id.toLowerCase());
    if (!plane) throw resourceNotFound(type, name, group);
    return { principal, plane };
  };
  const path =
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.ContainerRegistry\/registries\/([^/]+)$/i;
  return [
    {
      host,
      method: 'GET',
      path,
      fn: (request, match) => ({
        status: 200,
        body: registryBody(find(request, match, `${type}/read`).plane),
      }),
    },
    {
      host,
      method: 'POST',
      path: new RegExp(path.source.replace('$', '\\/importImage$'), 'i'),
      fn: (request, match) => {
        const { principal, plane } = find(request, match, `${type}/importImage/action`);
        return startImport({ request, principal, target: plane, operations });
      },
    },
    {
      host,
      method: 'GET',
      path: /^\/subscriptions\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/locations\/[^/]+\/operationResults\/([^/]+)$/i,
      fn: (request, match) => {
        context.principalOf(request, audiences.arm);
        requireApiVersion(request);
        return operations.poll(request, match[1] ?? '');
      },
    },
  ];
}

/** The sealed registry is as `zone check` wants it; the other is an ordinary Premium registry on the internet. */
function registryBody(plane: Plane): object {
  const { names } = plane;
  const sealed = names.zone === 'sensitive';
  const access = sealed ? 'Disabled' : 'Enabled';
  return {
    id: names.id,
    name: names.name,
    type,
    location: region,
    tags: { environment: sealed ? 'sealed' : 'development' },
    sku: { name: 'Premium', tier: 'Premium' },
    properties: {
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
      policies: {
        quarantinePolicy: { status: 'disabled' },
        trustPolicy: { type: 'Notary', status: 'disabled' },
        retentionPolicy: { days: 7, status: 'disabled' },
        exportPolicy: { status: plane.settings().exportPolicy },
        azureADAuthenticationAsArmPolicy: { status: 'enabled' },
        softDeletePolicy: { retentionDays: 7, status: 'disabled' },
      },
      privateEndpointConnections: sealed ? [privateEndpoint(plane)] : [],
    },
  };
}

function privateEndpoint(plane: Plane): object {
  const { names } = plane;
  const group = names.id.split('/providers/')[0] ?? '';
  return {
    id: `${names.id}/privateEndpointConnections/pe-${names.name}`,
    name: `pe-${names.name}`,
    type: `${type}/privateEndpointConnections`,
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
}
