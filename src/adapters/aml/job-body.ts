import * as z from 'zod';
import type { JobStatus } from '../../domain/job.ts';
import type { Job, JobRequest } from '../../ports/workspace.ts';
import type { WorkspaceArm } from './arm.ts';
import { rawSchema, shaped } from './shape.ts';

/**
 * The body of `PUT …/jobs/{name}`, by hand: the SDK drops `uri` and `mode` of typed inputs and outputs
 * (azure-sdk-for-js#29328). What is not said here is left to the service, and read back (`steps/run/same-job.ts`).
 */
export function jobBody(arm: WorkspaceArm, request: JobRequest): object {
  return {
    properties: {
      jobType: 'Command',
      displayName: request.name,
      experimentName: request.experiment,
      command: request.command,
      environmentId: request.environmentId,
      computeId: arm.idOf(`/computes/${request.compute}`),
      // The compute's identity reads the inputs: ours is not there when the job starts.
      identity: { identityType: 'Managed' },
      resources: { instanceCount: 1 },
      limits: { jobLimitsType: 'Command', timeout: durationOf(request.timeoutSeconds) },
      inputs: Object.fromEntries(
        Object.entries(request.inputs).map(([name, input]) => [
          name,
          input.type === 'literal'
            ? { jobInputType: 'literal', value: input.value }
            : { jobInputType: input.type, uri: input.value, mode: 'ReadOnlyMount' },
        ]),
      ),
      outputs: Object.fromEntries(
        Object.entries(request.outputs).map(([name, output]) => [
          name,
          {
            jobOutputType: output.type,
            mode: 'ReadWriteMount',
            ...(output.uri === undefined ? {} : { uri: output.uri }),
          },
        ]),
      ),
      tags: { ...request.tags },
    },
  };
}

/** ISO 8601. */
const durationOf = (seconds: number): string => `PT${seconds}S`;

const ioSchema = z.record(z.string(), z.object({ uri: z.string().nullish() }).nullable()).nullish();

const jobSchema = z.object({
  id: z.string(),
  name: z.string(),
  properties: z.object({
    status: z.string().nullish(),
    experimentName: z.string().nullish(),
    environmentId: z.string().nullish(),
    tags: z.record(z.string(), z.string().nullable()).nullish(),
    outputs: ioSchema,
  }),
  systemData: z.object({ createdAt: z.string().nullish() }).nullish(),
});

/** What ARM says about a job. `experiment` is there to filter a listing. */
export function parseJob(body: unknown, where: string): { readonly job: Job; readonly experiment: string } {
  const { id, name, properties, systemData } = shaped(jobSchema, body, where);
  const phase = properties.status ?? 'NotStarted';
  const outputs = Object.entries(properties.outputs ?? {}).flatMap(([output, value]) =>
    // `default` is the place of logs, which the service adds to every job.
    output === 'default' || !value?.uri ? [] : [[output, value.uri] as const],
  );
  const tags = Object.entries(properties.tags ?? {}).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  return {
    experiment: properties.experimentName ?? '',
    job: {
      id,
      name,
      raw: shaped(rawSchema, body, where),
      status: statusOf(phase),
      phase,
      environmentId: properties.environmentId ?? '',
      tags: Object.fromEntries(tags),
      outputs: Object.fromEntries(outputs),
      ...(systemData?.createdAt ? { createdAt: systemData.createdAt } : {}),
    },
  };
}

/** The three ends of a job; everything else (NotResponding and Paused too) may still become one of them. */
function statusOf(phase: string): JobStatus {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Canceled' ? phase : 'Running';
}
