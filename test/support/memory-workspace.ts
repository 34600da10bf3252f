import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { JobStatus } from '../../src/domain/job.ts';
import type { RunRecord, RunRecords } from '../../src/ports/run-records.ts';
import type {
  Datastore,
  EnvironmentRequest,
  Environments,
  EnvironmentVersion,
  Job,
  JobRequest,
  Jobs,
} from '../../src/ports/workspace.ts';

/** One state of a job's life: `log` is appended to its log when the state is reached. */
export interface JobStage {
  readonly phase: string;
  readonly log?: string;
  readonly error?: string;
}

export type WorkspaceOperation =
  | 'environments.read'
  | 'environments.create'
  | 'jobs.submit'
  | 'jobs.read'
  | 'jobs.list'
  | 'jobs.log'
  | 'upload'
  | 'readOutput';

/** An Azure ML workspace in memory: each look at a job but the first moves it on by one stage. */
export interface MemoryWorkspace {
  readonly id: string;
  readonly environments: Environments;
  readonly jobs: Jobs;
  readonly datastore: Datastore;
  /** Every call so far, as `operation subject`. */
  readonly calls: string[];
  /** Every job request that was taken, in order. */
  readonly submitted: readonly JobRequest[];
  /** Blobs by path. */
  readonly files: Map<string, Uint8Array>;
  /** The life of jobs submitted from now on. */
  script(stages: readonly JobStage[]): void;
  /** As if somebody else had registered it; `changes` are to the `properties` of the raw body. */
  putEnvironment(request: EnvironmentRequest, changes?: Readonly<Record<string, unknown>>): void;
  /** As if somebody else had put, or changed, a job: the members of its `properties` from now on. */
  changeJob(name: string, changes: Readonly<Record<string, unknown>>): void;
  removeJob(name: string): void;
  /** The next `times` calls of the operation end with `error` instead. */
  fail(operation: WorkspaceOperation, error: Error, times?: number): void;
  /** Called before each operation; may change the world under a step's feet. */
  before(hook: (operation: WorkspaceOperation, subject: string) => void): void;
  /** Logs may not be read. */
  hideLogs(): void;
}

/** The state directory of one machine. */
export interface MemoryRecords extends RunRecords {
  readonly all: Map<string, RunRecord>;
  readonly ignored: string[];
}

export function memoryRecords(): MemoryRecords {
  const all = new Map<string, RunRecord>();
  const ignored: string[] = [];
  return {
    all,
    ignored,
    save: async (record) => void all.set(record.job.name, structuredClone(record)),
    list: async (workspace) => ({
      records: [...all.values()].filter((one) => one.workspace === workspace.toLowerCase()).reverse(),
      ignored,
    }),
  };
}

interface JobState {
  readonly request: JobRequest;
  readonly changes: Record<string, unknown>;
  readonly stages: readonly JobStage[];
  stage: number;
  seen: boolean;
  readonly order: number;
}

const lifeOfAGoodJob: readonly JobStage[] = [
  { phase: 'Queued' },
  { phase: 'Running', log: 'epoch 1\n' },
  { phase: 'Completed', log: 'accuracy=0.93\n' },
];

const defaultId =
  '/subscriptions/00000000-0000-4000-8000-000000005ec0/resourceGroups/rg-contoso-sec/providers/Microsoft.MachineLearningServices/workspaces/ml-risk';

export function memoryWorkspace(workspaceId = defaultId): MemoryWorkspace {
  const calls: string[] = [];
  const submitted: JobRequest[] = [];
  const files = new Map<string, Uint8Array>();
  const registered = new Map<string, EnvironmentVersion>();
  const jobs = new Map<string, JobState>();
  const faults: { readonly operation: WorkspaceOperation; readonly error: Error; times: number }[] = [];
  const hooks: ((operation: WorkspaceOperation, subject: string) => void)[] = [];
  let stages = lifeOfAGoodJob;
  let logsAreHidden = false;

  const enter = (operation: WorkspaceOperation, subject: string): void => {
    calls.push(`${operation} ${subject}`);
    for (const hook of hooks) hook(operation, subject);
    const fault = faults.find((one) => one.operation === operation && one.times > 0);
    if (!fault) return;
    fault.times -= 1;
    throw fault.error;
  };
  const keyOf = (name: string, version: string): string => `${name}:${version}`;
  const environmentId = (name: string, version: string): string =>
    `${workspaceId}/environments/${name}/versions/${version}`;
  const put = (request: EnvironmentRequest, changes: Readonly<Record<string, unknown>> = {}): void => {
    const { name, version, image, description, tags, properties } = request;
    const id = environmentId(name, version);
    const shown = {
      description: description ?? null,
      tags,
      properties,
      isArchived: false,
      isAnonymous: false,
      image,
      condaFile: '',
      osType: 'Linux',
      environmentType: 'UserCreated',
      provisioningState: 'Succeeded',
      stage: 'Development',
      ...changes,
    };
    registered.set(keyOf(name, version), {
      id,
      raw: { id, name: version, type: 'environments/versions', properties: shown, systemData: {} },
      image: typeof shown.image === 'string' ? shown.image : undefined,
      tags: shown.tags,
      properties: shown.properties,
      archived: shown.isArchived,
    });
  };
  const shown = (state: JobState): Job => {
    const { request, stages: life, stage, order } = state;
    const { phase, error } = life[stage]!;
    const { name } = request;
    const id = `${workspaceId}/jobs/${name}`;
    return {
      name,
      id,
      raw: {
        id,
        name,
        type: 'jobs',
        properties: { ...rawJob(workspaceId, request), status: phase, ...state.changes },
      },
      status: isEnd(phase) ? phase : 'Running',
      phase,
      environmentId: request.environmentId,
      tags: request.tags,
      outputs: Object.fromEntries(
        Object.entries(request.outputs).map(([output, { uri }]) => [output, uri ?? placeOf(name, output)]),
      ),
      createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, order)).toISOString(),
      ...(error === undefined ? {} : { error }),
    };
  };

  return {
    id: workspaceId,
    calls,
    submitted,
    files,
    script: (life) => (stages = life),
    putEnvironment: put,
    changeJob: (name, changes) => void Object.assign(jobs.get(name)!.changes, changes),
    removeJob: (name) => void jobs.delete(name),
    fail: (operation, error, times = 1) => faults.push({ operation, error, times }),
    before: (hook) => hooks.push(hook),
    hideLogs: () => (logsAreHidden = true),
    environments: {
      read: async (name, version) => {
        enter('environments.read', keyOf(name, version));
        return registered.get(keyOf(name, version));
      },
      create: async (request) => {
        const key = keyOf(request.name, request.version);
        enter('environments.create', key);
        if (registered.has(key)) {
          throw new AmlpromoteError('VERSION_CONFLICT', `${key} is already registered and cannot be changed`);
        }
        put(request);
      },
    },
    jobs: {
      requireCompute: () => Promise.resolve(),
      submit: async (request) => {
        enter('jobs.submit', request.name);
        const known = jobs.get(request.name);
        if (known && JSON.stringify(known.request) !== JSON.stringify(request)) {
          throw new AmlpromoteError('VERSION_CONFLICT', `a job with the name ${request.name} exists`);
        }
        const state = known ?? { request, changes: {}, stages, stage: 0, seen: false, order: jobs.size };
        if (!known) submitted.push(request);
        jobs.set(request.name, state);
        return shown(state);
      },
      read: async (name) => {
        enter('jobs.read', name);
        const state = jobs.get(name);
        if (!state) return undefined;
        // The first look is at what was just submitted.
        if (state.seen) state.stage = Math.min(state.stage + 1, state.stages.length - 1);
        state.seen = true;
        return shown(state);
      },
      list: async (experiment) => {
        enter('jobs.list', experiment);
        return [...jobs.values()]
          .filter(({ request }) => request.experiment === experiment)
          .map(shown)
          .reverse();
      },
      log: async (name, offset) => {
        enter('jobs.log', name);
        const state = jobs.get(name);
        if (logsAreHidden || !state) return undefined;
        const text = state.stages
          .slice(0, state.stage + 1)
          .map(({ log = '' }) => log)
          .join('');
        return Buffer.from(text).subarray(offset).toString('utf8');
      },
    },
    datastore: {
      upload: async (path, bytes) => {
        enter('upload', path);
        files.set(path, bytes);
        return `azureml://datastores/default/paths/${path}`;
      },
      readOutput: async (uri) => {
        enter('readOutput', uri);
        const prefix = uri.replace('azureml://datastores/default/paths/', '');
        const found = [...files].filter(([path]) => path.startsWith(prefix));
        return new Map(found.map(([path, bytes]) => [path.slice(prefix.length), bytes]));
      },
      uriOf: async (path) => `azureml://datastores/default/paths/${path}`,
    },
  };
}

const placeOf = (job: string, output: string): string =>
  `azureml://datastores/default/paths/azureml/${job}/${output}/`;

/** `properties` of the job as the service shows them, with all that it adds to every job. */
const rawJob = (workspaceId: string, request: JobRequest) => ({
  description: null,
  tags: request.tags,
  properties: { '_azureml.ComputeTargetType': 'amlctrain' },
  displayName: request.name,
  experimentName: request.experiment,
  services: { Tracking: { jobServiceType: 'Tracking', port: null, endpoint: 'azureml://x' }, Studio: {} },
  computeId: `${workspaceId}/computes/${request.compute}`,
  isArchived: false,
  identity: { identityType: 'Managed', clientId: null, objectId: null, resourceId: null },
  componentId: null,
  jobType: 'Command',
  resources: { instanceCount: 1, instanceType: null, properties: null, shmSize: '2g', dockerArgs: null },
  codeId: null,
  command: request.command,
  environmentId: request.environmentId,
  inputs: Object.fromEntries(
    Object.entries(request.inputs).map(([name, { type, value }]) => [
      name,
      type === 'literal'
        ? { jobInputType: type, value, description: null }
        : { jobInputType: type, uri: value, mode: 'ReadOnlyMount', description: null },
    ]),
  ),
  outputs: {
    ...Object.fromEntries(
      Object.entries(request.outputs).map(([name, { type, uri }]) => [
        name,
        {
          jobOutputType: type,
          uri: uri ?? placeOf(request.name, name),
          mode: 'ReadWriteMount',
          description: null,
        },
      ]),
    ),
    default: {
      jobOutputType: 'uri_folder',
      uri: 'azureml://datastores/workspaceartifactstore/ExperimentRun/x',
    },
  },
  distribution: null,
  limits: { jobLimitsType: 'Command', timeout: `PT${request.timeoutSeconds}S` },
  queueSettings: { jobTier: 'Null' },
  environmentVariables: {},
  parameters: {},
});

const isEnd = (phase: string): phase is Exclude<JobStatus, 'Running'> =>
  phase === 'Completed' || phase === 'Failed' || phase === 'Canceled';
