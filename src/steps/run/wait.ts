import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import type { Job } from '../../ports/workspace.ts';
import type { LogFollower } from './log-follower.ts';
import type { RunPorts } from './ports.ts';

/** Pauses between two looks, in milliseconds; the last one repeats. */
const pauses = [500, 500, 1000, 1000, 2000, 2000, 3000, 5000] as const;
/** Looks in a row that may fail: the job goes on without us. */
const patience = 5;

export interface WaitOptions {
  /** From now on. */
  readonly deadlineSeconds: number;
  readonly log: LogFollower;
}

/**
 * Waits for the end of a job, telling every change of its state and every line of its log.
 * @throws TIMEOUT at the deadline (the job goes on), NOT_FOUND when it vanishes, INTERRUPTED, or what keeps failing
 */
export async function waitForEnd(first: Job, options: WaitOptions, ports: RunPorts): Promise<Job> {
  const { clock, progress, signal } = ports;
  const end = clock.now().getTime() + options.deadlineSeconds * 1000;
  let phase = '';
  let job: Job = first;
  for (let look = 0, failed = 0; ; look += 1) {
    if (job.phase !== phase) {
      phase = job.phase;
      progress({ type: 'note', step: 'run', message: `job ${job.name}: ${phase}` });
    }
    await options.log.look(job.status !== 'Running');
    if (job.status !== 'Running') return job;
    const left = end - clock.now().getTime();
    if (left <= 0) throw stillRunning(job, options.deadlineSeconds);
    await clock.sleep(Math.min(pauses[Math.min(look, pauses.length - 1)] ?? 0, left), signal);
    try {
      job = (await ports.jobs.read(job.name)) ?? vanished(job);
      failed = 0;
    } catch (error) {
      failed += 1;
      if (!isInconclusive(error) || failed >= patience) throw error;
      progress({ type: 'note', step: 'run', message: `cannot see the job for now: ${error.message}` });
    }
  }
}

function vanished(job: Job): never {
  throw new AmlpromoteError('NOT_FOUND', `job ${job.name} is not to be seen any more`, {
    nextSteps: ['Run again; if it stays, look in the activity log of the workspace who deletes jobs.'],
  });
}

const stillRunning = (job: Job, seconds: number): AmlpromoteError =>
  new AmlpromoteError('TIMEOUT', `job ${job.name} is still ${job.phase} after ${seconds} s`, {
    nextSteps: [
      'Run again on this machine: the same job is picked up and waited for, not started twice.',
      job.phase === 'Queued' || job.phase === 'Preparing' || job.phase === 'Starting'
        ? 'Look whether the compute has quota and free nodes, and whether it can pull from the registry.'
        : 'If the job takes this long, raise smoke.timeout in the image manifest.',
    ],
  });
