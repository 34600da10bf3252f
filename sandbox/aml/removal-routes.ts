import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import { userError } from './errors.ts';
import { isTerminal } from './jobs.ts';
import { workspaceHandler } from './scope.ts';

/** DELETE of jobs and environments: 200, or 204 for what is not there. */
export function removalHandlers(context: SandboxContext): Handler[] {
  const { jobs, environments } = context.workspace;
  return [
    workspaceHandler(context, {
      method: 'DELETE',
      path: '/jobs/([^/]+)',
      action: 'workspaces/jobs/delete',
      answer: ({ names: [name = ''] }) => {
        const job = jobs.get(name);
        if (job && !isTerminal(job.status))
          throw userError(
            400,
            `The job ${name} is ${job.status}. Only jobs that have ended can be deleted: cancel it first.`,
            ['BadArgument', 'JobNotTerminal'],
          );
        return { status: jobs.remove(name) ? 200 : 204 };
      },
    }),
    workspaceHandler(context, {
      method: 'DELETE',
      path: '/environments/([^/]+)',
      action: 'workspaces/environments/delete',
      answer: ({ names: [name = ''] }) => ({ status: environments.removeContainer(name) ? 200 : 204 }),
    }),
    workspaceHandler(context, {
      method: 'DELETE',
      path: '/environments/([^/]+)/versions/([^/]+)',
      action: 'workspaces/environments/versions/delete',
      answer: ({ names: [name = '', version = ''] }) => ({
        status: environments.removeVersion(name, version) ? 200 : 204,
      }),
    }),
  ];
}
