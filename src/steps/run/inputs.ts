import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { JobInput } from '../../domain/job.ts';
import { sha256 } from '../../domain/sha256.ts';
import { readCarriedManifest } from '../../evidence/carried-manifest.ts';
import type { CarriedInput } from '../../evidence/carried-manifest.ts';
import type { VerifiedRelease } from '../verify.ts';
import type { RunRecord } from '../../ports/run-records.ts';
import type { Job } from '../../ports/workspace.ts';
import { sameDatastoreUri } from './job-values.ts';
import type { RunPorts } from './ports.ts';
import { requireSameJob } from './same-job.ts';

/**
 * Brings the smoke inputs to where the job finds them: files of the release into the default datastore, at a path that is their
 * digest; the output of another environment's smoke job by its place.
 * @param workspace ARM id
 * @throws NOT_FOUND when this machine has seen no such job complete, or the job has no such output; INTEGRITY_MISMATCH
 */
export async function placeInputs(
  verified: VerifiedRelease,
  inputs: Readonly<Record<string, CarriedInput>>,
  workspace: string,
  ports: RunPorts,
): Promise<Readonly<Record<string, JobInput>>> {
  const files = Object.values(inputs).some((input) => 'layer' in input)
    ? await carriedFiles(verified, ports)
    : [];
  const placed: [string, JobInput][] = [];
  for (const [name, input] of Object.entries(inputs)) {
    if (input.type === 'literal') placed.push([name, { type: 'literal', value: input.value }]);
    else if ('layer' in input) {
      const value = await upload(files[input.layer], input.file, ports);
      placed.push([name, { type: input.type, value }]);
    } else placed.push([name, { type: input.type, value: await outputOf(name, input, workspace, ports) }]);
  }
  return Object.fromEntries(placed);
}

/** The bytes that crossed with the release. The verified index lists their manifest, which lists them: each is read by digest. */
async function carriedFiles(verified: VerifiedRelease, ports: RunPorts): Promise<readonly Uint8Array[]> {
  const part = verified.release.evidence.find(({ role }) => role === 'image-manifest');
  if (!part) throw new TypeError('a verified release lists its image manifest');
  return (await readCarriedManifest(ports.content, part.descriptor)).inputs;
}

async function upload(bytes: Uint8Array | undefined, file: string, ports: RunPorts): Promise<string> {
  if (!bytes) throw new TypeError('a verified image manifest has a layer for each file');
  const path = `amlpromote/smoke-inputs/${hexOf(sha256(bytes))}/${file}`;
  const uri = await ports.datastore.upload(path, bytes);
  ports.progress({ type: 'effect', step: 'run', effect: 'uploaded', subject: path });
  return uri;
}

/**
 * Only from a job that this machine has submitted and seen to complete, by its id: a completed job that somebody else put into
 * the workspace, under whatever name and tags, supplies nothing (decisions, "Jobs"). The job is read and compared again.
 */
async function outputOf(
  name: string,
  input: { readonly job: string; readonly output: string },
  workspace: string,
  ports: RunPorts,
): Promise<string> {
  const { records } = await ports.records.list(workspace);
  const completed = records.filter(
    ({ state, environment }) => state === 'completed' && environment.name === input.job,
  );
  for (const record of completed.slice(0, mostLookedFor)) {
    const job = await ports.jobs.read(record.job.name);
    // Deleted, or of a workspace that was made anew under the same name.
    if (job?.status !== 'Completed') continue;
    requireSameJob(job, { definition: record.definition, workspace: record.workspace });
    return placeOf(name, input, job, record);
  }
  throw new AmlpromoteError(
    'NOT_FOUND',
    completed.length === 0
      ? `smoke input ${name} is the output of a smoke job of ${input.job}, and this machine has seen none complete in this workspace`
      : `smoke input ${name} is the output of a smoke job of ${input.job}, and none that this machine has seen complete is in the workspace any more`,
    {
      nextSteps: [
        `Run ${input.job} here first: amlpromote run with its release.json, or promote it; then run again.`,
        'Jobs that another machine or person ran are not taken: anybody with access to the workspace could have made them.',
      ],
    },
  );
}

/** Records of one environment whose jobs are looked for. */
const mostLookedFor = 10;

function placeOf(
  name: string,
  input: { readonly job: string; readonly output: string },
  job: Job,
  record: RunRecord,
): string {
  const uri = Object.hasOwn(record.outputs, input.output) ? record.outputs[input.output] : undefined;
  if (uri === undefined) {
    throw new AmlpromoteError(
      'NOT_FOUND',
      `smoke input ${name}: job ${job.name} of ${input.job} shows no output ${input.output} (it has: ${Object.keys(record.outputs).join(', ') || 'none'})`,
      { nextSteps: [`Correct smoke.inputs.${name}.path.output in the image manifest, then release again.`] },
    );
  }
  const now = Object.hasOwn(job.outputs, input.output) ? job.outputs[input.output] : undefined;
  if (now !== undefined && sameDatastoreUri(now, uri, record.workspace)) return uri;
  throw new AmlpromoteError(
    'INTEGRITY_MISMATCH',
    `smoke input ${name}: output ${input.output} of job ${job.name} was at ${uri} when it completed, and is said to be at ${now ?? 'no place'} now`,
    { nextSteps: [`Find out who changed job ${job.name}, then run ${input.job} here again.`] },
  );
}
