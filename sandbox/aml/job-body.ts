import { region, tenant, workspace } from '../topology.ts';
import type { JobRecord } from './jobs.ts';
import { resource } from './resource.ts';
import { artifactUriOf } from './uris.ts';

/** A command job as ARM shows it. The failure's text is not among it: that is run history's. */
export function jobBody(job: JobRecord, apiVersion: string): object {
  const { definition } = job;
  const properties = {
    description: job.description ?? null,
    tags: job.tags,
    properties: job.properties,
    displayName: job.displayName,
    status: job.status,
    experimentName: definition.experimentName,
    services: {
      ...definition.services,
      Tracking: service('Tracking', trackingUri),
      Studio: service('Studio', studioUri(job.name)),
    },
    computeId: definition.computeId,
    isArchived: job.isArchived,
    identity: definition.identity,
    componentId: null,
    jobType: 'Command',
    resources: {
      instanceCount: definition.instanceCount,
      instanceType: definition.instanceType ?? null,
      properties: null,
      shmSize: definition.shmSize,
      dockerArgs: definition.dockerArgs ?? null,
    },
    codeId: definition.codeId ?? null,
    command: definition.command,
    environmentId: definition.environmentId,
    inputs: described(definition.inputs),
    outputs: {
      ...described(definition.outputs),
      default: {
        description: null,
        uri: artifactUriOf(job.name),
        mode: 'ReadWriteMount',
        jobOutputType: 'uri_folder',
      },
    },
    distribution: definition.distribution ?? null,
    limits:
      definition.timeout === undefined ? null : { jobLimitsType: 'Command', timeout: definition.timeout },
    environmentVariables: definition.environmentVariables,
    parameters: {},
    // "Null" is the service's word for no tier.
    ...(apiVersion >= '2023-10-01' ? { queueSettings: definition.queueSettings ?? { jobTier: 'Null' } } : {}),
    ...definition.others,
    ...job.shown,
  };
  return resource(`jobs/${job.name}`, properties, job.system);
}

const described = (map: Readonly<Record<string, object>>): Record<string, object> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, { description: null, ...value }]));

const service = (jobServiceType: string, endpoint: string): object => ({
  jobServiceType,
  port: null,
  endpoint,
  status: null,
  errorMessage: null,
  properties: null,
});

const trackingUri = `azureml://${region}.api.azureml.ms/mlflow/v1.0${workspace.id}?`;

const studioUri = (name: string): string =>
  `https://ml.azure.com/runs/${name}?wsid=/subscriptions/${workspace.subscription}/resourcegroups/${workspace.resourceGroup}/workspaces/${workspace.name}&tid=${tenant}`;
