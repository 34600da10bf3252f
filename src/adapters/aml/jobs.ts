import * as z from 'zod';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Job, Jobs } from '../../ports/workspace.ts';
import { createWorkspaceArm } from './arm.ts';
import type { WorkspaceArm } from './arm.ts';
import { jobBody, parseJob } from './job-body.ts';
import type { WorkspaceOptions } from './options.ts';
import { createRunHistory } from './run-history.ts';
import { shaped } from './shape.ts';

/** Every job of ours carries it, so that a listing can be filtered by the service: jobs cannot be listed by experiment. */
const marker = 'amlpromote';
const maxListed = 200;

/**
 * Command jobs of one workspace through raw ARM; logs and reasons of failure from its run history.
 * @throws NOT_FOUND for the workspace, and as `azureError`; never because of a log
 */
export function createJobs(options: WorkspaceOptions): Jobs {
  const arm = createWorkspaceArm(options);
  const history = createRunHistory(arm, options);
  const explained = async (job: Job): Promise<Job> => {
    if (job.status !== 'Failed') return job;
    const error = await history.failure(job.name);
    return error === undefined ? job : { ...job, error };
  };
  return {
    submit: async (request) => {
      const what = `submitting job ${request.name}`;
      const tagged = { ...request, tags: { ...request.tags, [marker]: '1' } };
      const put = arm
        .put(`/jobs/${request.name}`, jobBody(arm, tagged), what)
        .catch(async (error: unknown) => {
          await requireCompute(arm, request.compute);
          throw error;
        });
      return parseJob(await put, what).job;
    },
    requireCompute: async (name) => await requireCompute(arm, name),
    read: async (name) => {
      const what = `reading job ${name}`;
      const body = await arm.find(`/jobs/${name}`, what);
      return body === undefined ? undefined : explained(parseJob(body, what).job);
    },
    list: async (experiment) => {
      const what = `listing jobs of ${experiment}`;
      const found: Job[] = [];
      const query = { jobType: 'Command', tag: marker, listViewType: 'All' };
      for await (const page of arm.list('/jobs', query, what)) {
        for (const item of shaped(z.object({ value: z.array(z.unknown()) }), page, what).value) {
          const parsed = parseJob(item, what);
          if (parsed.experiment === experiment) found.push(parsed.job);
        }
        if (found.length >= maxListed) break;
      }
      return found.sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''));
    },
    log: async (name, offset) => history.log(name, offset),
  };
}

/**
 * Asked when a job was not taken: the service answers an unknown compute as any other bad request. Where it may not be seen,
 * the service's own answer stays.
 * @throws USAGE
 */
async function requireCompute(arm: WorkspaceArm, compute: string): Promise<void> {
  const found = await arm.find(`/computes/${compute}`, `reading compute ${compute}`).catch(() => true);
  if (found !== undefined) return;
  throw new AmlpromoteError('USAGE', `workspace ${arm.id.name} has no compute ${compute}`, {
    nextSteps: [
      'Name another with --compute, or correct workspaces.….compute in the zones manifest.',
      'The platform team can list them: az ml compute list.',
    ],
  });
}
