import { sameArmId } from '../../domain/arm-id.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Job, JobRequest } from '../../ports/workspace.ts';
import type { VerifiedRelease } from '../verify.ts';
import { attemptOf, jobTags, requestKey, smokeJobName } from './names.ts';
import type { RunPorts } from './ports.ts';

/** Names tried before giving up: others may be submitting the same work at this moment. */
const maxTries = 10;

/**
 * Each run is a new job, with one exception: a job of exactly this work that still runs was left by a run that was killed, and
 * is waited for instead.
 */
export async function submitOrPickUp(
  verified: VerifiedRelease,
  work: Omit<JobRequest, 'name' | 'tags'>,
  ports: RunPorts,
): Promise<{ readonly job: Job; readonly pickedUp: boolean }> {
  const { release, image } = verified;
  const key = requestKey(work);
  const isThisWork = (job: Job): boolean =>
    job.tags[jobTags.request] === key && sameArmId(job.environmentId, work.environmentId);

  const known = await ports.jobs.list(work.experiment);
  const running = known.find((job) => job.status === 'Running' && isThisWork(job));
  if (running) return { job: running, pickedUp: true };

  const tags = {
    [jobTags.image]: image.digest,
    [jobTags.release]: `${release.name} ${release.version} (${release.release})`,
    [jobTags.request]: key,
  };
  const attempts = known.map((job) => attemptOf(job.name, release.name, image.digest) ?? 0);
  let attempt = Math.max(0, ...attempts) + 1;
  for (let tries = 0; tries < maxTries; tries += 1, attempt += 1) {
    const name = smokeJobName(release.name, image.digest, attempt);
    // A listing may lag behind, and submitting a name again would bring back the old job as if it were new.
    const taken = await ports.jobs.read(name);
    if (taken?.status === 'Running' && isThisWork(taken)) return { job: taken, pickedUp: true };
    if (taken) continue;
    const job = await submit({ ...work, name, tags }, ports);
    if (!job) continue;
    ports.progress({ type: 'effect', step: 'run', effect: 'submitted', subject: name });
    return { job, pickedUp: false };
  }
  throw new AmlpromoteError(
    'SERVICE_FAILED',
    `${maxTries} names for a smoke job of ${release.name} were taken one after the other`,
    { nextSteps: ['Somebody else runs the same release; wait for that to end, then run again.'] },
  );
}

/** undefined when somebody took the name for other work in this moment. */
async function submit(request: JobRequest, ports: RunPorts): Promise<Job | undefined> {
  try {
    return await ports.jobs.submit(request);
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'VERSION_CONFLICT') return undefined;
    throw error;
  }
}
