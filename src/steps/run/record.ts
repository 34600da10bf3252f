import { AmlpromoteError } from '../../domain/errors.ts';
import type { RunRecord } from '../../ports/run-records.ts';
import type { Job } from '../../ports/workspace.ts';
import type { RunPorts } from './ports.ts';
import { requireSameJob } from './same-job.ts';

/**
 * The job, if it is what was submitted. If it is surely not, the record is closed, so that the next run starts a new one.
 * @throws INTEGRITY_MISMATCH, INCONCLUSIVE
 */
export async function confirmed(job: Job, record: RunRecord, ports: RunPorts): Promise<Job> {
  try {
    return requireSameJob(job, { definition: record.definition, workspace: record.workspace });
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'INTEGRITY_MISMATCH') {
      await close(record, ports);
    }
    throw error;
  }
}

/** It was seen to complete: from now on its outputs may be taken, and it is not waited for again. */
export async function complete(record: RunRecord, job: Job, ports: RunPorts): Promise<void> {
  await ports.records.save({ ...record, state: 'completed', outputs: job.outputs });
  ports.progress({ type: 'effect', step: 'run', effect: 'recorded', subject: job.name });
}

/** It is not to be waited for again. What is to be said about it matters more than that it can be written down. */
export async function close(record: RunRecord, ports: RunPorts): Promise<void> {
  try {
    await ports.records.save({ ...record, state: 'closed' });
  } catch (error) {
    if (!(error instanceof AmlpromoteError)) throw error;
    note(ports, `the end of job ${record.job.name} cannot be recorded: ${error.message}`);
  }
}

/** What a run of long ago left behind proves nothing about today. */
export const isRecent = (record: RunRecord, ports: RunPorts): boolean =>
  ports.clock.now().getTime() - Date.parse(record.at) < oneDay;
const oneDay = 24 * 3_600_000;

export const note = (ports: RunPorts, message: string): void => {
  ports.progress({ type: 'note', step: 'run', message });
};
