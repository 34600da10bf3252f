import type { Digest } from '../domain/digest.ts';
import type { JobDefinition } from './workspace.ts';

/** A smoke job that this machine submitted, or was about to. Nobody but this user could have written it. */
export interface RunRecord {
  /** ARM id, lower case. */
  readonly workspace: string;
  readonly environment: { readonly name: string; readonly version: string };
  readonly image: Digest;
  /** Of the release index. */
  readonly release: Digest;
  /** The name holds a nonce that nobody else knew before the job was submitted. */
  readonly job: { readonly name: string; readonly id: string };
  /** What was, or was about to be, submitted: what the service shows is compared with it, again and again. */
  readonly definition: JobDefinition;
  /**
   * `submitted`: written before the submission, so the job may not be there. `completed`: it was seen to complete, with this
   * definition. `closed`: it ended otherwise, or is not what was submitted.
   */
  readonly state: 'submitted' | 'completed' | 'closed';
  /** azureml:// URIs by name, as read when it had completed. */
  readonly outputs: Readonly<Record<string, string>>;
  /** RFC 3339, UTC; of the submission. */
  readonly at: string;
}

/** What this machine knows of its smoke jobs. */
export interface RunRecords {
  /** Durable when it returns; a record of the same job is replaced. @throws FORBIDDEN, DISK_FULL, USAGE */
  save(record: RunRecord): Promise<void>;
  /** Those of one workspace, newest first. What is broken, or could be another user's, is only named in `ignored`. */
  list(workspace: string): Promise<{
    readonly records: readonly RunRecord[];
    /** Files, with the reason. */
    readonly ignored: readonly string[];
  }>;
}
