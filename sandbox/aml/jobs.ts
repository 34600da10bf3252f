import type { JsonObject } from './body.ts';
import { openDocuments } from './documents.ts';
import type { SystemData } from './resource.ts';

/** The service's words, in the order of a job's life. */
export type JobStatus =
  | 'Starting'
  | 'Queued'
  | 'Preparing'
  | 'Running'
  | 'CancelRequested'
  | 'Finalizing'
  | 'Completed'
  | 'Failed'
  | 'Canceled';

export const isTerminal = (status: JobStatus): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Canceled';

export type JobInputDefinition =
  | { readonly jobInputType: 'literal'; readonly value: string; readonly description?: string }
  | {
      readonly jobInputType: 'uri_file' | 'uri_folder';
      readonly uri: string;
      readonly mode: string;
      readonly description?: string;
    };

export interface JobOutputDefinition {
  readonly jobOutputType: 'uri_file' | 'uri_folder';
  /** `azureml://datastores/…/paths/…`: where the service puts it when the client did not say. */
  readonly uri: string;
  readonly mode: string;
  readonly description?: string;
}

/** What may not change once a job is submitted. */
export interface JobDefinition {
  readonly command: string;
  /** ARM id of the code whose files are the working directory. */
  readonly codeId?: string;
  readonly environmentId: string;
  readonly computeId: string;
  readonly experimentName: string;
  readonly identity: object | null;
  readonly inputs: Readonly<Record<string, JobInputDefinition>>;
  readonly outputs: Readonly<Record<string, JobOutputDefinition>>;
  readonly environmentVariables: Readonly<Record<string, string>>;
  /** ISO 8601 duration, as sent. */
  readonly timeout?: string;
  readonly instanceCount: number;
  readonly shmSize: string;
  /** Of the resources, and kept to be shown: the sandbox's compute knows neither. */
  readonly dockerArgs?: string;
  readonly instanceType?: string;
  /** Shown again, and nothing else. */
  readonly distribution?: JsonObject;
  readonly queueSettings?: JsonObject;
  readonly services?: JsonObject;
  /** Members that the sandbox does not know. */
  readonly others?: JsonObject;
}

export interface JobError {
  /** `UserError` (the image or the command) or `ServiceError` (the sandbox). */
  readonly code: 'UserError' | 'ServiceError';
  readonly message: string;
}

export interface JobRecord {
  readonly name: string;
  readonly definition: JobDefinition;
  readonly displayName: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly isArchived: boolean;
  readonly system: SystemData;
  readonly status: JobStatus;
  /** ISO 8601: the command's start, and the end of everything. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly error?: JobError;
  /** Members of `properties` that the body shows as they are, beside or instead of the others: what no client here can send. */
  readonly shown?: JsonObject;
}

export interface Jobs {
  get(name: string): JobRecord | undefined;
  put(record: JobRecord): void;
  /** @returns false when there was none */
  remove(name: string): boolean;
  /** Newest first. */
  all(): JobRecord[];
  /** Changes a job that has not ended; undefined when it has, or is not there. */
  progress(name: string, change: Partial<JobRecord>): JobRecord | undefined;
}

export function openJobs(directory: string): Jobs {
  const documents = openDocuments<JobRecord>(directory);
  return {
    get: (name) => documents.get(name),
    put: (record) => documents.put(record.name, record),
    remove: (name) => documents.remove(name),
    all: () => documents.values().sort((a, b) => (a.system.createdAt < b.system.createdAt ? 1 : -1)),
    progress: (name, change) => {
      const record = documents.get(name);
      if (!record || isTerminal(record.status)) return undefined;
      const changed = { ...record, ...change };
      documents.put(name, changed);
      return changed;
    },
  };
}
