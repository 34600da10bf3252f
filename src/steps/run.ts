import { AmlpromoteError } from '../domain/errors.ts';
import type { JobStatus } from '../domain/job.ts';
import type { CarriedManifest } from '../evidence/carried-manifest.ts';
import { environmentOf } from './register/environment.ts';
import { isBeingMade, notMadeYet, requireSameEnvironment } from './register/same-environment.ts';
import { placeInputs } from './run/inputs.ts';
import { followLog } from './run/log-follower.ts';
import { experimentOf } from './run/names.ts';
import type { RunPorts } from './run/ports.ts';
import { close, complete, confirmed } from './run/record.ts';
import { submitOrPickUp } from './run/submit.ts';
import { failureOf, readOutputs } from './run/outcome.ts';
import type { OutputPlace } from './run/outcome.ts';
import { waitForEnd } from './run/wait.ts';
import { step } from './step.ts';
import type { VerifiedRelease } from './verify.ts';

export type { RunPorts } from './run/ports.ts';

export interface RunInput {
  readonly verified: VerifiedRelease;
  readonly workspace: {
    /** As the zones manifest calls it. */
    readonly name: string;
    /** ARM id. */
    readonly id: string;
    /** Name of the compute in the workspace. */
    readonly compute?: string | undefined;
  };
  /** What a job may take to get a node and pull the image, on top of its own time limit; default 1800. */
  readonly queueSeconds?: number;
}

export interface RunReport {
  readonly environment: { readonly id: string };
  readonly workspace: { readonly name: string; readonly id: string };
  readonly job: {
    readonly id: string;
    readonly name: string;
    readonly status: Extract<JobStatus, 'Completed'>;
    /** An earlier run of this machine had submitted it, and was killed. */
    readonly pickedUp: boolean;
  };
  readonly outputs: readonly OutputPlace[];
  /** The last lines; undefined when the log may not be read. */
  readonly log?: string;
  /** The last line of it that tells a score, an accuracy or a loss. */
  readonly score?: string;
}

/**
 * Proves that the registered image runs in the workspace: a command job with the smoke inputs of the release. Each run is a new
 * job, but one that a killed run of this machine left behind is waited for. What the service shows of the job is compared with
 * what was submitted, after the submission and at the end. Logs and outputs are shown where they may be read and never decide.
 * @throws USAGE without a smoke section or compute; NOT_FOUND when the environment, or a job whose output is needed, is not there;
 * VERSION_CONFLICT when the environment is another; INTEGRITY_MISMATCH when the job is; JOB_FAILED (10) with the log's tail;
 * TIMEOUT (20); INCONCLUSIVE when the service does not show all that decides; and what the workspace cannot do (20)
 */
export async function run(input: RunInput, ports: RunPorts): Promise<RunReport> {
  const { verified, workspace } = input;
  const smoke = requireSmoke(verified);
  const compute = requireCompute(workspace);
  return await step(
    ports,
    'run',
    `smoke job of ${verified.release.name} in ${workspace.name}`,
    async () => await runSmoke({ ...input, smoke, compute }, ports),
    ({ job }) => ({ already: false, detail: `${job.name} Completed` }),
  );
}

async function runSmoke(
  {
    verified,
    workspace,
    smoke,
    compute,
    queueSeconds = 1800,
  }: RunInput & { readonly smoke: Smoke; readonly compute: string },
  ports: RunPorts,
): Promise<RunReport> {
  const { progress } = ports;
  const environmentId = await registeredEnvironment(verified, workspace.name, ports);
  const work = {
    experiment: experimentOf(verified.release.name),
    environmentId,
    compute,
    command: smoke.command,
    inputs: await placeInputs(verified, smoke.inputs, workspace.id, ports),
    outputs: smoke.outputs,
    timeoutSeconds: smoke.timeoutSeconds,
  };
  const { record, job: submitted, pickedUp } = await submitOrPickUp(verified, work, workspace.id, ports);
  if (pickedUp) {
    const what =
      submitted.status === 'Running'
        ? 'still runs: waiting for it'
        : 'of an earlier run has completed meanwhile';
    progress({ type: 'note', step: 'run', message: `job ${submitted.name} ${what}` });
  }
  const log = followLog(ports, submitted.name);
  const deadlineSeconds = smoke.timeoutSeconds + queueSeconds;
  const job = await waitForEnd(submitted, { deadlineSeconds, log }, ports);
  const tail = log.tail();
  if (tail === undefined) {
    progress({ type: 'note', step: 'run', message: `the log of ${job.name} cannot be read from here` });
  }
  if (job.status !== 'Completed') {
    await close(record, ports);
    throw failureOf(job, tail);
  }
  await confirmed(job, record, ports);
  await complete(record, job, ports);

  const outputs = await readOutputs(job, Object.keys(smoke.outputs), ports);
  const score = tail?.findLast((line) => /\b(?:score|accuracy|auc|f1|loss|rmse|mae)\b/i.test(line));
  return {
    environment: { id: environmentId },
    workspace: { name: workspace.name, id: workspace.id },
    job: { id: job.id, name: job.name, status: 'Completed', pickedUp },
    outputs,
    ...(tail === undefined ? {} : { log: tail.join('\n') }),
    ...(score === undefined ? {} : { score: score.trim() }),
  };
}

type Smoke = NonNullable<CarriedManifest['smoke']>;

function requireSmoke(verified: VerifiedRelease): Smoke {
  const { smoke } = verified.carried;
  if (smoke) return smoke;
  throw new AmlpromoteError('USAGE', `${verified.release.name} has no smoke job`, {
    nextSteps: ['Add a smoke section to the image manifest and release again, or leave run out.'],
  });
}

function requireCompute(workspace: RunInput['workspace']): string {
  if (workspace.compute !== undefined) return workspace.compute;
  throw new AmlpromoteError('USAGE', `no compute of workspace ${workspace.name} is named`, {
    nextSteps: [
      `Name one with --compute, or write workspaces.${workspace.name}.compute: { cpu: … } in the zones manifest.`,
    ],
  });
}

/** Only what is registered exactly as `register` would do it may run. */
async function registeredEnvironment(
  verified: VerifiedRelease,
  workspace: string,
  ports: RunPorts,
): Promise<string> {
  const wanted = environmentOf(verified);
  const label = `${wanted.name}:${wanted.version}`;
  const there = await ports.environments.read(wanted.name, wanted.version);
  if (!there) {
    throw new AmlpromoteError('NOT_FOUND', `environment ${label} is not registered in ${workspace}`, {
      nextSteps: ['Register the release first: amlpromote register RELEASE.'],
    });
  }
  if (isBeingMade(there)) throw notMadeYet(wanted);
  return requireSameEnvironment(there, wanted, workspace).id;
}
