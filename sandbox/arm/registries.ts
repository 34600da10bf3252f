import type { Plane } from '../acr/plane.ts';
import type { Principal, SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { audiences, hosts } from '../topology.ts';
import { startImport } from './import.ts';
import type { Operations } from './operations.ts';
import {
  privateEndpoints,
  privateLinkResources,
  registryBody,
  registryType,
  usages,
} from './registry-body.ts';
import { childNotFound, requireApiVersion, resourceNotFound } from './scope.ts';

const registryPath =
  '^/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\\.ContainerRegistry/registries/([^/]+)';

interface Call {
  readonly request: SandboxRequest;
  readonly principal: Principal;
  readonly plane: Plane;
  readonly apiVersion: string;
  /** The name behind the registry's path, where the route has one. */
  readonly child: string;
}

/** What Premium registries may have and these have not. */
const emptyKinds = [
  'replications',
  'webhooks',
  'scopeMaps',
  'tokens',
  'cacheRules',
  'credentialSets',
  'connectedRegistries',
  'tasks',
  'runs',
  'agentPools',
  'importPipelines',
  'exportPipelines',
  'pipelineRuns',
];

/** ARM for the two registries: their properties, what hangs on them, and `importImage`. */
export function registryArmHandlers(
  context: SandboxContext,
  planes: readonly Plane[],
  operations: Operations,
): Handler[] {
  const host = (name: string): boolean => name === hosts.arm;
  // The role comes first: who may not read there is not told what is there.
  const on = (
    method: string,
    path: string,
    action: string,
    answer: (call: Call) => Promise<SandboxResponse> | SandboxResponse,
  ): Handler => ({
    host,
    method,
    path: new RegExp(`${registryPath}${path}/?$`, 'i'),
    fn: (request, [, subscription = '', group = '', name = '', child = '']) => {
      const principal = context.principalOf(request, audiences.arm);
      const apiVersion = requireApiVersion(request);
      const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/${registryType}/${name}`;
      context.requireRole(principal, id, `${registryType}/${action}`);
      const plane = planes.find((each) => each.names.id.toLowerCase() === id.toLowerCase());
      if (!plane) throw resourceNotFound(registryType, name, group);
      return answer({ request, principal, plane, apiVersion, child });
    },
  });
  const list = (value: readonly object[]): SandboxResponse => ({ status: 200, body: { value } });
  return [
    on('GET', '', 'read', ({ plane, apiVersion }) => ({
      status: 200,
      body: registryBody(plane, apiVersion),
    })),
    on('POST', '/importImage', 'importImage/action', ({ request, principal, plane }) =>
      startImport({ request, principal, target: plane, operations }),
    ),
    on('GET', '/listUsages', 'listUsages/read', ({ plane }) => list(usages(plane))),
    on('GET', '/privateEndpointConnections', 'privateEndpointConnections/read', ({ plane }) =>
      list(privateEndpoints(plane)),
    ),
    on(
      'GET',
      '/privateEndpointConnections/([^/]+)',
      'privateEndpointConnections/read',
      ({ plane, child }) => {
        const found = privateEndpoints(plane).find(({ name }) => name.toLowerCase() === child.toLowerCase());
        if (!found) throw childNotFound(`privateEndpointConnections/${child}`);
        return { status: 200, body: found };
      },
    ),
    on('GET', '/privateLinkResources', 'privateLinkResources/read', ({ plane }) =>
      list(privateLinkResources(plane)),
    ),
    ...emptyKinds.map((kind) => on('GET', `/${kind}`, `${kind}/read`, () => list([]))),
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
