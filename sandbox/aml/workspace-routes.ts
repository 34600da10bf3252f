import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import { azureError } from '../http.ts';
import { workspace } from '../topology.ts';
import { notFound } from './errors.ts';
import { page } from './resource.ts';
import { workspaceHandler } from './scope.ts';
import { computeBody, datastoreBody, datastoreNames, workspaceBody } from './workspace-body.ts';

/** The workspace itself, its computes and datastores: read only. */
export function workspaceHandlers(context: SandboxContext): Handler[] {
  return [
    workspaceHandler(context, {
      method: 'GET',
      path: '',
      action: 'workspaces/read',
      answer: () => ({ status: 200, body: workspaceBody() }),
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: '/computes',
      action: 'workspaces/computes/read',
      answer: (call) => ({ status: 200, body: page(call, [computeBody()]) }),
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: '/computes/([^/]+)',
      action: 'workspaces/computes/read',
      answer: ({ names: [name = ''] }) => {
        if (name.toLowerCase() !== workspace.compute.name)
          throw azureError(404, 'ResourceNotFound', `Compute with name ${name} not found`);
        return { status: 200, body: computeBody() };
      },
    }),
    // Kinds that the sandbox does not play: there are none, and nobody can make one.
    ...['components', 'schedules', 'connections', 'onlineEndpoints', 'batchEndpoints'].map((kind) =>
      workspaceHandler(context, {
        method: 'GET',
        path: `/${kind}`,
        action: `workspaces/${kind}/read`,
        answer: () => ({ status: 200, body: { value: [] } }),
      }),
    ),
    workspaceHandler(context, {
      method: 'GET',
      path: '/datastores',
      action: 'workspaces/datastores/read',
      answer: (call) => {
        const query = call.request.url.searchParams;
        const onlyDefault = query.get('isDefault')?.toLowerCase();
        const asked = query.getAll('names').flatMap((names) => names.split(','));
        const listed = datastoreNames.filter(
          (name) =>
            (onlyDefault === undefined || (onlyDefault === 'true') === (name === workspace.datastore.name)) &&
            (asked.length === 0 || asked.includes(name)),
        );
        return { status: 200, body: page(call, listed.map(datastoreBody)) };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: '/datastores/([^/]+)',
      action: 'workspaces/datastores/read',
      answer: ({ names: [name = ''] }) => {
        if (!datastoreNames.includes(name)) throw notFound(`No datastore with name '${name}' was found.`);
        return { status: 200, body: datastoreBody(name) };
      },
    }),
  ];
}
