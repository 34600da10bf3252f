import type { SandboxContext, Principal } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError } from '../http.ts';
import { withFields } from './fields.ts';
import { audiences, hosts, region, workspace } from '../topology.ts';

/** Capture groups 1–3 of every workspace path: subscription, resource group, workspace. Own groups start at 4. */
const workspacePath =
  '^/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\\.MachineLearningServices/workspaces/([^/]+)';

/** A workspace route after its checks have passed. */
export interface WorkspaceCall {
  readonly request: SandboxRequest;
  readonly principal: Principal;
  /** `2022-02-01` or later, with `-preview` where the client said so. */
  readonly apiVersion: string;
  /** Names from the path after the workspace, in order. */
  readonly names: readonly string[];
}

export interface WorkspaceRoute {
  readonly method: string;
  /** Source of a regular expression for what follows `…/workspaces/NAME`; each name is a group. ARM ignores case. */
  readonly path: string;
  /** RBAC action below `Microsoft.MachineLearningServices/`. */
  readonly action: string;
  readonly answer: (call: WorkspaceCall) => Promise<SandboxResponse> | SandboxResponse;
}

/** Checks in ARM's order: token, role at the scope that the path names (there or not), api-version, existence. */
export const workspaceHandler = (context: SandboxContext, route: WorkspaceRoute): Handler => ({
  host: (host) => host === hosts.arm,
  method: route.method,
  path: new RegExp(`${workspacePath}${route.path}/?$`, 'i'),
  fn: async (request, match) => {
    const principal = context.principalOf(request, audiences.arm);
    const [, subscription = '', group = '', name = '', ...names] = match;
    const scope = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.MachineLearningServices/workspaces/${name}`;
    context.requireRole(principal, scope, `Microsoft.MachineLearningServices/${route.action}`);
    const apiVersion = requireApiVersion(request);
    requireWorkspace(subscription, group, name);
    return withFields(await route.answer({ request, principal, apiVersion, names }), apiVersion);
  },
});

const oldestApiVersion = '2022-02-01';

/** @throws 400 MissingApiVersionParameter | NoRegisteredProviderFound */
function requireApiVersion(request: SandboxRequest): string {
  const version = request.url.searchParams.get('api-version');
  if (!version)
    throw azureError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  if (!/^\d{4}-\d\d-\d\d(-preview)?$/.test(version) || version.slice(0, 10) < oldestApiVersion)
    throw azureError(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for location '${region}' and API version '${version}' for type 'workspaces'. The sandbox serves ${oldestApiVersion} and later.`,
    );
  return version;
}

/** @throws 404 in ARM's words for what is missing */
function requireWorkspace(subscription: string, group: string, name: string): void {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  if (!same(subscription, workspace.subscription))
    throw azureError(404, 'SubscriptionNotFound', `The subscription '${subscription}' could not be found.`);
  if (!same(group, workspace.resourceGroup))
    throw azureError(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  if (!same(name, workspace.name))
    throw azureError(
      404,
      'ResourceNotFound',
      `The Resource 'Microsoft.MachineLearningServices/workspaces/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
}
