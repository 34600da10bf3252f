import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { JobStatus } from '../../src/domain/job.ts';
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

/** An Azure ML workspace in memory: each look at a job moves it on by one stage. */
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
  /** As if somebody else had registered it. */
  putEnvironment(request: EnvironmentRequest, changes?: Partial<EnvironmentVersion>): void;
  /** The next `times` calls of the operation end with `error` instead. */
  fail(operation: WorkspaceOperation, error: Error, times?: number): void;
  /** Called before each operation; may change the world under a step's feet. */
  before(hook: (operation: WorkspaceOperation, subject: string) => void): void;
  /** Logs may not be read. */
  hideLogs(): void;
}

interface JobState {
  readonly request: JobRequest;
  readonly stages: readonly JobStage[];
  stage: number;
  readonly order: number;
}

const lifeOfAGoodJob: readonly JobStage[] = [
  { phase: 'Queued' },
  { phase: 'Running', log: 'epoch 1\n' },
  { phase: 'Completed', log: 'accuracy=0.93\n' },
];

const workspaceId =
  '/subscriptions/00000000-0000-4000-8000-000000005ec0/resourceGroups/rg-contoso-sec/providers/Microsoft.MachineLearningServices/workspaces/ml-risk';

export function memoryWorkspace(): MemoryWorkspace {
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
  const put = (request: EnvironmentRequest, changes: Partial<EnvironmentVersion> = {}): void => {
    const { name, version, image, tags, properties } = request;
    const id = environmentId(name, version);
    registered.set(keyOf(name, version), { id, image, tags, properties, archived: false, ...changes });
  };
  const shown = ({ request, stages: life, stage, order }: JobState): Job => {
    const { phase, error } = life[stage]!;
    return {
      name: request.name,
      id: `${workspaceId}/jobs/${request.name}`,
      status: isEnd(phase) ? phase : 'Running',
      phase,
      environmentId: request.environmentId,
      tags: request.tags,
      outputs: Object.fromEntries(
        Object.keys(request.outputs).map((output) => [
          output,
          `azureml://datastores/default/paths/azureml/${request.name}/${output}/`,
        ]),
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
      submit: async (request) => {
        enter('jobs.submit', request.name);
        const known = jobs.get(request.name);
        if (known && JSON.stringify(known.request) !== JSON.stringify(request)) {
          throw new AmlpromoteError('VERSION_CONFLICT', `a job with the name ${request.name} exists`);
        }
        const state = known ?? { request, stages, stage: 0, order: jobs.size };
        if (!known) submitted.push(request);
        jobs.set(request.name, state);
        return shown(state);
      },
      read: async (name) => {
        enter('jobs.read', name);
        const state = jobs.get(name);
        if (!state) return undefined;
        state.stage = Math.min(state.stage + 1, state.stages.length - 1);
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
    },
  };
}

const isEnd = (phase: string): phase is Exclude<JobStatus, 'Running'> =>
  phase === 'Completed' || phase === 'Failed' || phase === 'Canceled';
