import { AmlpromoteError } from '../../domain/errors.ts';
import type { RunRecord } from '../../ports/run-records.ts';
import type { Job, JobDefinition } from '../../ports/workspace.ts';
import type { VerifiedRelease } from '../verify.ts';
import type { JobWork } from './names.ts';
import { jobTags, newNonce, outputPath, smokeJobName, workKey } from './names.ts';
import type { RunPorts } from './ports.ts';
import { close, complete, confirmed, isRecent, note } from './record.ts';

/** A job of this machine: what it wrote down before it submitted it, and the job as the service shows it. */
export interface OwnJob {
  readonly record: RunRecord;
  readonly job: Job;
  /** An earlier run had submitted it. */
  readonly pickedUp: boolean;
}

/** Names tried before giving up: with 128 bits of chance, the first one is free. */
const maxTries = 3;

/**
 * Each run is a new job, with one exception: a job of exactly this work that this machine has submitted, and has not yet seen
 * to end, is waited for instead. It is known by this machine's own record and by nothing that the workspace shows (decisions,
 * "Jobs"): whoever may write jobs may also write their tags.
 * @param workspace ARM id
 * @throws INTEGRITY_MISMATCH, INCONCLUSIVE when the job that the service shows is not, or not surely, what was submitted
 */
export async function submitOrPickUp(
  verified: VerifiedRelease,
  work: JobWork,
  workspace: string,
  ports: RunPorts,
): Promise<OwnJob> {
  return (await pickUp(verified, work, workspace, ports)) ?? (await start(verified, work, workspace, ports));
}

async function pickUp(
  verified: VerifiedRelease,
  work: JobWork,
  workspace: string,
  ports: RunPorts,
): Promise<OwnJob | undefined> {
  const key = workKey(work);
  const { records, ignored } = await ports.records.list(workspace);
  for (const file of ignored) note(ports, `a record of an earlier run is not used: ${file}`);
  for (const record of records) {
    const { state, image, release, definition } = record;
    if (state !== 'submitted' || image !== verified.image.digest) continue;
    if (release !== verified.release.index.digest || workKey(definition) !== key) continue;
    // A run that was killed before it submitted, or another one that is about to: the same name is the same job.
    const there = await ports.jobs.read(definition.name);
    if (!there) {
      const submitted = await trySubmit(verified, record, ports);
      if (submitted) return submitted;
      continue;
    }
    const job = await confirmed(there, record, ports);
    if (job.status === 'Running' || (job.status === 'Completed' && isRecent(record, ports))) {
      return { record, job, pickedUp: true };
    }
    note(ports, `job ${job.name} of an earlier run ended as ${job.phase}: a new one is started`);
    if (job.status === 'Completed') await complete(record, job, ports);
    else await close(record, ports);
  }
  return undefined;
}

async function start(
  verified: VerifiedRelease,
  work: JobWork,
  workspace: string,
  ports: RunPorts,
): Promise<OwnJob> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const name = smokeJobName(verified.release.name, verified.image.digest, newNonce());
    const definition: JobDefinition = { ...work, name, outputs: await placeOutputs(name, work, ports) };
    const record: RunRecord = {
      workspace: workspace.toLowerCase(),
      environment: { name: verified.release.name, version: verified.release.version },
      image: verified.image.digest,
      release: verified.release.index.digest,
      job: { name, id: `${workspace}/jobs/${name}` },
      definition,
      state: 'submitted',
      outputs: {},
      at: ports.clock.now().toISOString(),
    };
    // First: what is submitted and not written down would be nobody's.
    await ports.records.save(record);
    ports.progress({ type: 'effect', step: 'run', effect: 'recorded', subject: name });
    const submitted = await trySubmit(verified, record, ports);
    if (submitted) return submitted;
  }
  throw new AmlpromoteError(
    'SERVICE_FAILED',
    `${maxTries} names for a smoke job of ${verified.release.name} were taken one after the other`,
    { nextSteps: ['Nobody can guess these names: ask who else may read the state directory of this user.'] },
  );
}

/** So that the place of each output is part of what was submitted. */
async function placeOutputs(name: string, work: JobWork, ports: RunPorts): Promise<JobDefinition['outputs']> {
  const placed: [string, JobDefinition['outputs'][string]][] = [];
  for (const [output, { type }] of Object.entries(work.outputs)) {
    const uri = await ports.datastore.uriOf(outputPath(name, output, type));
    placed.push([output, uri === undefined ? { type } : { type, uri }]);
  }
  return Object.fromEntries(placed);
}

/** undefined when the name stands for another job. */
async function trySubmit(
  { release, image }: VerifiedRelease,
  record: RunRecord,
  ports: RunPorts,
): Promise<OwnJob | undefined> {
  const { definition } = record;
  const tags = {
    [jobTags.image]: image.digest,
    [jobTags.release]: `${release.name} ${release.version} (${release.release})`,
  };
  try {
    await ports.jobs.submit({ ...definition, tags });
  } catch (error) {
    if (!(error instanceof AmlpromoteError) || error.code !== 'VERSION_CONFLICT') throw error;
    note(ports, `job ${definition.name} is there already, and somebody else's: another name is taken`);
    await close(record, ports);
    return undefined;
  }
  ports.progress({ type: 'effect', step: 'run', effect: 'submitted', subject: definition.name });
  const job = await confirmed(await readBack(definition.name, ports), record, ports);
  return { record, job, pickedUp: false };
}

/** Not the answer to the submission: what everybody else sees. It may take a moment. */
async function readBack(name: string, ports: RunPorts): Promise<Job> {
  for (const pause of [500, 2000, 5000, undefined]) {
    const job = await ports.jobs.read(name);
    if (job) return job;
    if (pause !== undefined) await ports.clock.sleep(pause, ports.signal);
  }
  throw new AmlpromoteError('SERVICE_FAILED', `job ${name} was submitted but cannot be read back`, {
    nextSteps: ['Run again: this machine knows the job and goes on with it.'],
  });
}
