import { AmlpromoteError } from '../../domain/errors.ts';
import type { Job } from '../../ports/workspace.ts';
import type { RunPorts } from './ports.ts';
import { pullAdvice } from './pull-advice.ts';

export interface OutputPlace {
  readonly name: string;
  /** azureml:// URI. */
  readonly uri: string;
  /** Relative names. */
  readonly files: readonly string[];
  /** Said where they may not be read: then no names does not mean no files. */
  readonly readable?: false;
}

/** Names only, and little of the bytes: what a person wants to see is that something is there. */
const maxOutputBytes = 64 * 1024;

export async function readOutputs(
  job: Job,
  names: readonly string[],
  ports: RunPorts,
): Promise<readonly OutputPlace[]> {
  const places: OutputPlace[] = [];
  for (const name of names) {
    const uri = job.outputs[name];
    if (uri === undefined) continue;
    const files = await ports.datastore.readOutput(uri, maxOutputBytes);
    places.push(
      files ? { name, uri, files: [...files.keys()].sort() } : { name, uri, files: [], readable: false },
    );
  }
  return places;
}

/** Failed or Canceled: a definite no, in the words of the service and of the program. */
export function failureOf(job: Job, tail: readonly string[] | undefined): AmlpromoteError {
  const why = job.error === undefined ? '' : `: ${job.error}`;
  const shown =
    tail === undefined || tail.length === 0
      ? ''
      : `\nlast lines of its log:\n${tail.map((line) => `  ${line}`).join('\n')}`;
  const pull = /FailedPullingImage|pull(?:ing)? (?:the )?image/i.test(job.error ?? '');
  return new AmlpromoteError('JOB_FAILED', `job ${job.name} ended as ${job.phase}${why}${shown}`, {
    nextSteps: pull
      ? pullAdvice(job.error ?? '')
      : [
          tail === undefined
            ? `Look at job ${job.name} in the studio of the workspace; reading logs here takes access to its run history and storage.`
            : 'Correct the image or the smoke command, and release again.',
          ...afterCancel(job),
        ],
  });
}

/** A job that ran too long ends as Canceled, just as one that a person stopped; only the words tell, where they may be read. */
function afterCancel({ phase, error = '' }: Job): readonly string[] {
  if (phase !== 'Canceled') return [];
  const raise = 'raise smoke.timeout in the image manifest and release again, or use a faster compute.';
  if (
    /\b(?:time ?limit|time(?:d )?-?out|longer than|exceed\w*|max(?:imum)? (?:run|execution|wall)|limit of)\b/i.test(
      error,
    )
  )
    return [`The smoke job ran longer than it may: ${raise}`];
  return [
    `If it ran as long as smoke.timeout allows, that ended it: ${raise}`,
    'If a person canceled it, simply run again.',
  ];
}
