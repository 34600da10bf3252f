import type { JobInput, JobOutput, JobStatus } from '../domain/job.ts';

/** A resource as the service sent it: JSON without duplicate keys, not interpreted. What decides is compared in this. */
export type RawResource = Readonly<Record<string, unknown>>;

/** An AML environment version as the service holds it: from the raw body, not from the SDK's model. */
export interface EnvironmentVersion {
  /** ARM id. */
  readonly id: string;
  readonly raw: RawResource;
  /** For people; whether it is the one that was wanted is decided by `raw`. */
  readonly image: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly archived: boolean;
}

export interface EnvironmentRequest {
  readonly name: string;
  readonly version: string;
  /** `host/repository@sha256:…` */
  readonly image: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** Environments of one workspace. NOT_FOUND when the *workspace* is not there; VERSION_CONFLICT from `create`. */
export interface Environments {
  read(name: string, version: string): Promise<EnvironmentVersion | undefined>;
  create(request: EnvironmentRequest): Promise<void>;
}

export interface JobRequest {
  /** The same name with the same content is the same job. `^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$` */
  readonly name: string;
  readonly experiment: string;
  readonly environmentId: string;
  /** Name of a compute of the workspace. */
  readonly compute: string;
  readonly command: string;
  readonly inputs: Readonly<Record<string, JobInput>>;
  readonly outputs: Readonly<Record<string, JobOutput>>;
  /** Seconds. */
  readonly timeoutSeconds: number;
  /** For people: whoever may write jobs may write these. */
  readonly tags: Readonly<Record<string, string>>;
}

/** All of a request that decides what runs. */
export type JobDefinition = Omit<JobRequest, 'tags'>;

export interface Job {
  readonly name: string;
  readonly id: string;
  readonly raw: RawResource;
  readonly status: JobStatus;
  /** The service's own word: Queued, Preparing, Starting … */
  readonly phase: string;
  readonly environmentId: string;
  readonly tags: Readonly<Record<string, string>>;
  /** azureml:// URIs by output name, where the service tells. */
  readonly outputs: Readonly<Record<string, string>>;
  /** RFC 3339, where the service tells. */
  readonly createdAt?: string;
  /** Why it failed, in the service's words, where run history may be read. */
  readonly error?: string;
}

/** Command jobs of one workspace. */
export interface Jobs {
  /** @throws VERSION_CONFLICT when the name stands for another job */
  submit(request: JobRequest): Promise<Job>;
  read(name: string): Promise<Job | undefined>;
  /** Passes where the compute is there, or may not be seen. @throws USAGE where it is not */
  requireCompute(name: string): Promise<void>;
  /** Newest first, of one experiment. */
  list(experiment: string): Promise<readonly Job[]>;
  /** The job's log from byte `offset`; undefined when it may not or cannot be read (that never changes a verdict). */
  log(name: string, offset: number): Promise<string | undefined>;
}

/** The workspace's default datastore. */
export interface Datastore {
  /** Puts bytes at a path (same path, same content: already done) and returns their azureml:// URI. */
  upload(path: string, bytes: Uint8Array): Promise<string>;
  /** Lists and reads what a job wrote, capped at `maxBytes` in all; undefined when it may not be read. */
  readOutput(uri: string, maxBytes: number): Promise<ReadonlyMap<string, Uint8Array> | undefined>;
  /** The azureml:// URI of a path, there or not; undefined when the datastore may not be seen. */
  uriOf(path: string): Promise<string | undefined>;
}
