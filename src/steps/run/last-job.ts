import type { RunRecords } from '../../ports/run-records.ts';
import type { Jobs } from '../../ports/workspace.ts';
import { experimentOf } from './names.ts';
import { jobDifferences } from './same-job.ts';

export interface LastJob {
  readonly name: string;
  readonly status: string;
  /** `verified`: submitted by this machine, and still what was submitted. */
  readonly proof: 'verified' | 'unverified';
}

/**
 * The last smoke job of an environment name in a workspace: the last one that this machine submitted; only where there is none,
 * the newest one that looks like it, which proves nothing.
 * @param of.workspace ARM id
 */
export async function lastSmokeJob(
  { jobs, records }: { readonly jobs: Pick<Jobs, 'read' | 'list'>; readonly records: RunRecords },
  { workspace, name }: { readonly workspace: string; readonly name: string },
): Promise<LastJob | undefined> {
  const { records: known } = await records.list(workspace);
  const record = known.find(({ environment }) => environment.name === name);
  const own = record && (await jobs.read(record.job.name));
  if (own) {
    const isSame = jobDifferences(own, record).length === 0;
    return { name: own.name, status: own.status, proof: isSame ? 'verified' : 'unverified' };
  }
  const [newest] = await jobs.list(experimentOf(name));
  return newest && { name: newest.name, status: newest.status, proof: 'unverified' };
}
