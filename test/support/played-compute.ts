import { setTimeout as delay } from 'node:timers/promises';
import { openLog } from '../../sandbox/compute/log.ts';
import type { RunningSandbox } from '../../sandbox/index.ts';

/**
 * Plays the compute of a sandbox without an engine: every job that is submitted from now on ends with this output and status.
 * @returns ends the play
 */
export function endJobs(
  sandbox: RunningSandbox,
  end: { readonly output: string; readonly status?: 'Completed' | 'Failed' },
): () => Promise<void> {
  const { jobs, blobs } = sandbox.context.workspace;
  // Its own compute leaves such jobs waiting for ever.
  const disarm = sandbox.faults.add({
    method: 'PUT',
    path: '/jobs/',
    action: { kind: 'endless-operation' },
  });
  const stage = new AbortController();
  const play = async (): Promise<void> => {
    while (!stage.signal.aborted) {
      for (const job of jobs.all()) {
        if (job.status !== 'Queued') continue;
        openLog(blobs, job.name, sandbox.context.clock).output(Buffer.from(end.output));
        jobs.progress(job.name, { status: end.status ?? 'Completed' });
      }
      await delay(20);
    }
  };
  const playing = play();
  return async () => {
    stage.abort();
    disarm();
    await playing;
  };
}
