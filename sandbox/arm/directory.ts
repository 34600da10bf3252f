import type { Plane } from '../acr/plane.ts';
import type { Principal, SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError } from '../http.ts';
import { resourceIn } from '../aml/fields.ts';
import { workspaceBody } from '../aml/workspace-body.ts';
import { audiences, hosts } from '../topology.ts';
import type { CatalogueEntry, Subscription } from './catalogue.ts';
import {
  catalogue,
  machineLearningType,
  readable,
  visibleGroups,
  visibleSubscriptions,
} from './catalogue.ts';
import { groupBody, locationBody, subscriptionBody, tenantBody } from './directory-bodies.ts';
import { genericBody } from './generic-body.ts';
import { providerBody, providers } from './providers.ts';
import { registryBody, registryType } from './registry-body.ts';
import { resourceFilter } from './resource-filter.ts';
import { requireApiVersion, resourceNotFound } from './scope.ts';

interface Call {
  readonly request: SandboxRequest;
  readonly principal: Principal;
  readonly apiVersion: string;
  readonly names: readonly string[];
}

/** ARM above the single resource: tenants, subscriptions, groups, providers, and lists of resources. */
export function directoryHandlers(context: SandboxContext, planes: readonly Plane[]): Handler[] {
  const entries = catalogue(planes);
  const on = (method: string, path: string, answer: (call: Call) => SandboxResponse): Handler => ({
    host: (name) => name === hosts.arm,
    method,
    path: new RegExp(`^${path}/?$`, 'i'),
    fn: (request, [, ...names]) => {
      const principal = context.principalOf(request, audiences.arm);
      const apiVersion = requireApiVersion(request);
      return answer({ request, principal, apiVersion, names });
    },
  });
  const subscription = '/subscriptions/([^/]+)';
  const group = `${subscription}/resourceGroups/([^/]+)`;
  /** @throws 404 for one that the caller has nothing in, there or not */
  const found = ({ principal, names: [id = ''] }: Call): Subscription => {
    const known = visibleSubscriptions(context, principal).find((each) => each.id === id.toLowerCase());
    if (known) return known;
    throw azureError(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`);
  };
  const foundGroup = (call: Call): { readonly id: string; readonly name: string } => {
    const { zone, id } = found(call);
    const [, name = ''] = call.names;
    const scope = `/subscriptions/${id}/resourceGroups/${name}`;
    const known = visibleGroups(context, call.principal, zone).find(
      (each) => each.name.toLowerCase() === name.toLowerCase(),
    );
    if (known) return known;
    context.requireRole(call.principal, scope, 'Microsoft.Resources/subscriptions/resourceGroups/read');
    throw azureError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  };
  /** What the caller may read below a scope of the path: the whole subscription, or one group. */
  const below = (call: Call, type?: string): CatalogueEntry[] => {
    const { id } = found(call);
    const [, name] = call.names;
    const scope = `/subscriptions/${id}/${name === undefined ? '' : `resourcegroups/${name}/`}`.toLowerCase();
    return readable(context, call.principal, entries).filter(
      (entry) => entry.id.toLowerCase().startsWith(scope) && (type === undefined || entry.type === type),
    );
  };
  const resources = (call: Call): SandboxResponse => {
    const { searchParams } = call.request.url;
    const wanted = below(call).filter(resourceFilter(searchParams.get('$filter')));
    const expanded = (searchParams.get('$expand') ?? '').split(',').map((part) => part.trim());
    return list(wanted.slice(0, top(searchParams)).map((entry) => ({ ...entry, ...expansion(expanded) })));
  };
  const registries = (call: Call): SandboxResponse =>
    list(
      below(call, registryType).flatMap(({ id }) =>
        planes.filter(({ names }) => names.id === id).map((plane) => registryBody(plane, call.apiVersion)),
      ),
    );
  const workspaces = (call: Call): SandboxResponse =>
    list(below(call, machineLearningType).map(() => resourceIn(workspaceBody(), call.apiVersion)));

  return [
    on('GET', '/tenants', () => list([tenantBody])),
    on('GET', '/subscriptions', ({ principal }) => {
      const value = visibleSubscriptions(context, principal).map(subscriptionBody);
      return { status: 200, body: { value, count: { type: 'Total', value: value.length } } };
    }),
    on('GET', subscription, (call) => ({ status: 200, body: subscriptionBody(found(call)) })),
    on('GET', `${subscription}/locations`, (call) => list([locationBody(found(call))])),
    on('GET', `${subscription}/resourceGroups`, (call) =>
      list(visibleGroups(context, call.principal, found(call).zone).map(groupBody)),
    ),
    on('GET', group, (call) => ({ status: 200, body: groupBody(foundGroup(call)) })),
    on('HEAD', group, (call) => {
      foundGroup(call);
      return { status: 204 };
    }),
    on('GET', `${subscription}/resources`, resources),
    on('GET', `${group}/resources`, resources),
    on('GET', `${subscription}/providers`, (call) => list(providers.map(providerBody(found(call).id)))),
    on('GET', `${subscription}/providers/([^/]+)`, (call) => {
      const [, name = ''] = call.names;
      const known = providers.find(({ namespace }) => namespace.toLowerCase() === name.toLowerCase());
      if (!known)
        throw azureError(404, 'InvalidResourceNamespace', `The resource namespace '${name}' is invalid.`);
      return { status: 200, body: providerBody(found(call).id)(known) };
    }),
    ...[subscription, group].flatMap((scope) => [
      on('GET', `${scope}/providers/Microsoft\\.ContainerRegistry/registries`, registries),
      on('GET', `${scope}/providers/Microsoft\\.MachineLearningServices/workspaces`, workspaces),
      ...genericTypes.map((type) =>
        on('GET', `${scope}/providers/${type.replaceAll('.', '\\.')}`, (call) =>
          list(below(call, type).map(genericBody)),
        ),
      ),
    ]),
    {
      host: (name) => name === hosts.arm,
      method: 'POST',
      path: new RegExp(
        `^${subscription}/providers/Microsoft\\.ContainerRegistry/checkNameAvailability/?$`,
        'i',
      ),
      fn: async (request) => {
        context.principalOf(request, audiences.arm);
        requireApiVersion(request);
        const { name } = ((await request.json()) ?? {}) as { name?: unknown };
        const isTaken = planes.some(({ names }) => names.name === String(name).toLowerCase());
        const taken = {
          nameAvailable: false,
          reason: 'AlreadyExists',
          message: 'The registry is already in use.',
        };
        return { status: 200, body: isTaken ? taken : { nameAvailable: true } };
      },
    },
    // Resources whose provider the sandbox does not play: what ARM itself knows of them.
    on(
      'GET',
      `${group}/providers/(Microsoft\\.(?:Storage/storageAccounts|KeyVault/vaults))/([^/]+)`,
      (call) => {
        const [id = '', groupName = '', type = '', name = ''] = call.names;
        const scope = `/subscriptions/${id}/resourceGroups/${groupName}/providers/${type}/${name}`;
        context.requireRole(call.principal, scope, `${type}/read`);
        const entry = entries.find((each) => each.id.toLowerCase() === scope.toLowerCase());
        if (!entry) throw resourceNotFound(type, name, groupName);
        return { status: 200, body: genericBody(entry) };
      },
    ),
  ];
}

/** Resources whose provider the sandbox does not play. */
const genericTypes = ['Microsoft.Storage/storageAccounts', 'Microsoft.KeyVault/vaults'] as const;

const list = (value: readonly object[]): SandboxResponse => ({ status: 200, body: { value } });

const top = (query: URLSearchParams): number => {
  const asked = Number(query.get('$top') ?? Infinity);
  return asked > 0 ? asked : Infinity;
};

const expansion = (names: readonly string[]): object => ({
  ...(names.includes('createdTime') && { createdTime: '2026-01-01T00:00:00.0000000Z' }),
  ...(names.includes('changedTime') && { changedTime: '2026-01-01T00:10:00.0000000Z' }),
  ...(names.includes('provisioningState') && { provisioningState: 'Succeeded' }),
});
