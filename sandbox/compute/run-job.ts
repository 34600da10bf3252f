import { parseDuration } from '../aml/duration.ts';
import type { JobRecord, JobStatus } from '../aml/jobs.ts';
import { storage } from '../topology.ts';
import type { AbortReason, ComputeOptions, JobFault } from './compute.ts';
import type { ContainerEngine } from './engine.ts';
import { ContainerNotRunning } from './engine.ts';
import {
  commandFailed,
  containerConfigFailed,
  failedPullingImage,
  JobFailure,
  nodeLost,
  storageDenied,
} from './failures.ts';
import { pullReference } from './image.ts';
import type { JobLog } from './log.ts';
import { openLog } from './log.ts';
import type { Workplace } from './workplace.ts';
import { makeWorkplace } from './workplace.ts';

export interface JobRun extends ComputeOptions {
  readonly name: string;
  readonly work: string;
  readonly label: string;
  readonly fault: JobFault | undefined;
  readonly abort: AbortController;
  readonly connected: () => Promise<ContainerEngine>;
}

/** Limits of every container: enough for a smoke job, not for hurting the machine. */
const limits = { memory: 4 * 1024 ** 3, processes: 1024 };

/** Takes one job from Queued to its end. Never throws: every outcome is the job's status. */
export async function runJob(run: JobRun): Promise<void> {
  const { jobs, context, name, abort } = run;
  const log = openLog(run.blobs, name, context.clock);
  const end = (status: JobStatus, change: Partial<JobRecord> = {}): void => {
    log.note(change.error ? `${status}: ${change.error.message}` : status);
    jobs.progress(name, { status, endedAt: context.clock.now().toISOString(), ...change });
  };
  try {
    await steps(run, log);
    end('Completed');
  } catch (error) {
    const reason = abort.signal.aborted ? (abort.signal.reason as AbortReason) : undefined;
    if (reason === 'cancel') {
      end('Canceled');
      return;
    }
    if (reason === 'timeout') {
      end('Canceled', { error: timedOut(jobs.get(name)) });
      return;
    }
    const failure = reason === 'close' ? nodeLost(jobs.get(name)?.status ?? '') : failureOf(error);
    end('Failed', { error: { code: failure.code, message: failure.message } });
  }
}

async function steps(run: JobRun, log: JobLog): Promise<void> {
  const { jobs, context, name, fault, abort } = run;
  const enter = (status: JobStatus, change: Partial<JobRecord> = {}): JobRecord => {
    abort.signal.throwIfAborted();
    log.note(status);
    const job = jobs.progress(name, { status, ...change });
    if (!job) throw new Error(`the job ${name} has ended`);
    return job;
  };
  const job = enter('Preparing');
  if (fault?.kind === 'fail-operation') throw new JobFailure('UserError', fault.message);
  const image = imageOf(run, job);
  const reference = pullReference(context, image);
  requireStorage(run);
  const engine = await run.connected();
  log.note(`pulling ${image}`);
  await pull(engine, reference, image, abort.signal);
  const place = await makeWorkplace(run.work, job, run.blobs, run.assets);
  try {
    enter('Running', { startedAt: context.clock.now().toISOString() });
    const exitCode = await execute(run, engine, reference, job, place, log).catch((error: unknown) => {
      if (!(error instanceof ContainerNotRunning)) throw error;
      throw containerConfigFailed(image, ownWords(error.message, reference, image), error);
    });
    abort.signal.throwIfAborted();
    enter('Finalizing');
    for (const note of await place.store()) log.note(note);
    if (exitCode !== 0) throw commandFailed(exitCode, log.tail(), await hint(engine, reference, place));
  } finally {
    await place.remove();
  }
}

async function execute(
  run: JobRun,
  engine: ContainerEngine,
  image: string,
  job: JobRecord,
  place: Workplace,
  log: JobLog,
): Promise<number> {
  const { abort, label, name } = run;
  const [key = '', value = ''] = label.split('=');
  const { timeout } = job.definition;
  const seconds = timeout === undefined ? undefined : parseDuration(timeout);
  const timer =
    seconds === undefined
      ? undefined
      : setTimeout(() => abort.abort('timeout' satisfies AbortReason), seconds * 1000);
  try {
    // Empty at first, so that who looks early finds a log and not an error.
    log.output(Buffer.alloc(0));
    const spec = {
      image,
      command: place.command,
      environment: place.environment,
      workingDirectory: place.workingDirectory,
      mounts: place.mounts,
      labels: { [key]: value, 'dev.amlpromote.job': name },
      memory: limits.memory,
      processes: limits.processes,
      sharedMemory: bytesOf(job.definition.shmSize),
    };
    return await engine.run(spec, (chunk) => log.output(chunk), abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws JobFailure for an environment that would have to be built */
function imageOf({ environments }: JobRun, job: JobRecord): string {
  const [, name = '', version = ''] =
    /\/environments\/([^/]+)\/versions\/([^/]+)$/.exec(job.definition.environmentId) ?? [];
  const image = environments.version(name, version)?.definition.image;
  if (image !== undefined) return image;
  throw new JobFailure(
    'UserError',
    'ImageBuildFailure: The environment has to be built, but the workspace has no imageBuildCompute and no way to package sources. Register an environment with an image.',
  );
}

function requireStorage({ context }: JobRun): void {
  const identity = context.topology.identities.compute.name;
  const action = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write';
  if (!context.roles.allows(identity, storage.id, action)) throw storageDenied();
}

async function pull(
  engine: ContainerEngine,
  reference: string,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await engine.pull(reference, signal);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw failedPullingImage(image, ownWords(words, reference, image), cause);
  }
}

/** The engine speaks of the port that stands for the registry. */
const ownWords = (words: string, reference: string, image: string): string =>
  words.replaceAll(reference.split('/')[0] ?? reference, image.split('/')[0] ?? image);

/** The one surprise that a working `docker run` does not prepare for. */
async function hint(engine: ContainerEngine, image: string, place: Workplace): Promise<string | undefined> {
  const own = await engine.workingDirectory(image).catch(() => '');
  return own === '' || own === '/'
    ? undefined
    : `Note: Azure ML starts commands in ${place.workingDirectory}, not in the image's WORKDIR ${own}: name files of the image by their absolute path.`;
}

const timedOut = (job: JobRecord | undefined): NonNullable<JobRecord['error']> => ({
  code: 'UserError',
  message: `The job was canceled: it ran longer than its limit of ${job?.definition.timeout ?? ''}.`,
});

const failureOf = (error: unknown): JobFailure =>
  error instanceof JobFailure
    ? error
    : new JobFailure(
        'ServiceError',
        `The sandbox could not run the job: ${error instanceof Error ? error.message : String(error)}`,
      );

const units: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `2g` → bytes. */
function bytesOf(size: string): number {
  const [, digits = '', unit = 'b'] = /^(\d+)([bkmg])$/i.exec(size) ?? [];
  return Number(digits) * (units[unit.toLowerCase()] ?? 1) || 64 * 1024 ** 2;
}
