import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { JobInput } from '../../domain/job.ts';
import { sha256 } from '../../domain/sha256.ts';
import { readCarriedManifest } from '../../evidence/carried-manifest.ts';
import type { CarriedInput } from '../../evidence/carried-manifest.ts';
import type { VerifiedRelease } from '../verify.ts';
import { experimentOf } from './names.ts';
import type { RunPorts } from './ports.ts';

/**
 * Brings the smoke inputs to where the job finds them: files of the release into the default datastore, at a path that is their
 * digest; the output of another environment's smoke job by its place.
 * @throws NOT_FOUND when the other job has not completed yet or has no such output; INTEGRITY_MISMATCH
 */
export async function placeInputs(
  verified: VerifiedRelease,
  inputs: Readonly<Record<string, CarriedInput>>,
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
    } else placed.push([name, { type: input.type, value: await outputOf(name, input, ports) }]);
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

async function outputOf(
  name: string,
  input: { readonly job: string; readonly output: string },
  ports: RunPorts,
): Promise<string> {
  const jobs = await ports.jobs.list(experimentOf(input.job));
  const last = jobs.find(({ status }) => status === 'Completed');
  if (!last) {
    const seen = jobs.length === 0 ? 'has none' : `has ${jobs.length}, none of them completed`;
    throw new AmlpromoteError(
      'NOT_FOUND',
      `smoke input ${name} is the output of a smoke job of ${input.job}, and the workspace ${seen}`,
      {
        nextSteps: [
          `Promote ${input.job} to this workspace first (its smoke job must complete), then run again.`,
        ],
      },
    );
  }
  const uri = last.outputs[input.output];
  if (uri !== undefined) return uri;
  throw new AmlpromoteError(
    'NOT_FOUND',
    `smoke input ${name}: job ${last.name} of ${input.job} shows no output ${input.output} (it has: ${Object.keys(last.outputs).join(', ') || 'none'})`,
    { nextSteps: [`Correct smoke.inputs.${name}.path.output in the image manifest, then release again.`] },
  );
}
