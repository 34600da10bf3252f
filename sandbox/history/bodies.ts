import type { JobRecord } from '../aml/jobs.ts';
import { region } from '../topology.ts';
import { outputReferences } from './resolve.ts';

/** What both views of a run have in common. */
const common = (job: JobRecord): object => ({
  runId: job.name,
  status: job.status,
  startTimeUtc: job.startedAt ?? null,
  endTimeUtc: job.endedAt ?? null,
  tags: job.tags,
  properties: job.properties,
  error: errorBody(job),
  warnings: [],
});

/** `RunDetails`: `logFiles` maps relative paths to signed URLs. */
export const runDetailsBody = (job: JobRecord, logFiles: Readonly<Record<string, string>>): object => ({
  ...common(job),
  target: job.definition.computeId.split('/').at(-1),
  runDefinition: null,
  logFiles,
  outputDatasets: [],
  submittedBy: job.system.createdBy,
});

/** `Run` */
export const runBody = (job: JobRecord): object => ({
  ...common(job),
  displayName: job.displayName,
  experimentName: job.definition.experimentName,
  dataContainerId: `dcid.${job.name}`,
  runType: 'azureml.CommandJob',
  createdUtc: job.system.createdAt,
  description: job.description ?? null,
  target: job.definition.computeId.split('/').at(-1),
  outputs: outputReferences(job.name, job.definition.outputs),
});

/** `ArtifactContentInformation` */
export const contentInfo = (job: string, path: string, contentUri: string): object => ({
  origin: 'ExperimentRun',
  container: `dcid.${job}`,
  path,
  contentUri,
  tags: {},
});

const errorBody = (job: JobRecord): object | null =>
  job.error === undefined
    ? null
    : {
        error: {
          code: job.error.code,
          message: job.error.message,
          details: [],
          messageFormat: null,
          innerError: null,
        },
        environment: region,
        location: region,
        time: job.endedAt ?? null,
        componentName: 'globaljobdispatcher',
      };
