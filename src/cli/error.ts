import type { ErrorCode } from '../domain/errors.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Reason } from '../domain/verdict.ts';
import { systemCode } from '../files/system-code.ts';
import { networkError } from '../network/errors.ts';
import { clean } from './text.ts';

/** What `--json` prints of an error, in one document or as the result of one image of several. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly nextSteps: string[];
  /** Only where something was judged; the message shows the first of them. */
  readonly reasons?: Reason[];
}

const kinds: Readonly<Record<number, string>> = {
  1: 'bug',
  2: 'usage',
  10: 'refused',
  20: 'could not check',
  130: 'interrupted',
};

/** For errors whose place of origin knows nothing better: nobody is left alone with a message. */
const lastResorts: Partial<Record<ErrorCode, string>> = {
  CONTENT_INVALID:
    'What was read is not what it should be: find out who made or changed it, and have it made again.',
  INTEGRITY_MISMATCH:
    'Content changed on its way or at its source: run again, and if it stays so, find out who changed it.',
  LISTED_CONTENT_MISSING:
    'It was deleted where it was read (retention does that): build or release again, then run this once more.',
  MANIFEST_INVALID: 'Correct the file and run again.',
  USAGE: 'See the command with --help.',
  INTERRUPTED: 'Run the same command again; it goes on where it stopped.',
};

const nextStepsOf = ({ code, exitCode, nextSteps }: AmlpromoteError): readonly string[] => {
  if (nextSteps.length > 0) return nextSteps;
  return [
    lastResorts[code] ??
      (exitCode === 20
        ? 'Run again; what is done stays done.'
        : 'Trying again will not help: change what the message names.'),
  ];
};

export const errorBody = (error: AmlpromoteError): ErrorBody => ({
  code: error.code,
  message: error.message,
  nextSteps: [...nextStepsOf(error)],
  ...(error.reasons.length === 0 ? {} : { reasons: [...error.reasons] }),
});

/** `refused (TAG_CONFLICT): message`, then what to do next. */
export function renderError(error: AmlpromoteError): string {
  const lines = [
    `${kinds[error.exitCode] ?? 'error'} (${error.code}): ${clean(error.message, { multiline: true })}`,
  ];
  lines.push(...renderNextSteps(nextStepsOf(error)));
  return lines.join('\n');
}

/** One line each; an entry of a YAML list stands for itself, to be pasted. */
export const renderNextSteps = (steps: readonly string[]): readonly string[] =>
  steps.map((step) => (step.startsWith('- ') ? `    ${clean(step)}` : `  next: ${clean(step)}`));

export const reportBug = 'This is a bug in amlpromote; please report it with the command and this message.';

/**
 * A system error that reached the command line: whatever the machine, its files or its network are like is no bug of ours. The
 * places that know better say more; this is for what they did not think of.
 */
export function systemError(error: unknown): AmlpromoteError | undefined {
  const code = systemCode(error);
  if (code === undefined || !(error instanceof Error)) return undefined;
  const about = (exit: ErrorCode, nextStep: string): AmlpromoteError =>
    new AmlpromoteError(exit, error.message.slice(0, 1000), { nextSteps: [nextStep], cause: error });
  if (['ENOSPC', 'EDQUOT'].includes(code))
    return about('DISK_FULL', 'Free space there, then run the same command again.');
  if (['EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'EAGAIN', 'ESTALE', 'ETXTBSY'].includes(code))
    return about(
      'OPERATION_FAILED',
      'Repair what the message names (a disk, a limit of this machine), then run again.',
    );
  const isFile = 'path' in error || ['read', 'write', 'open', 'scandir'].includes(callOf(error));
  if (isFile && /^E[A-Z0-9]+$/.test(code))
    return about(
      'USAGE',
      'Name another file or directory, or make this one what the command needs: see the command with --help.',
    );
  if (['ERR_FS_FILE_TOO_LARGE', 'ERR_STRING_TOO_LONG'].includes(code))
    return about('USAGE', 'Check that the files that were named are the ones that are meant.');
  return networkError(error, 'hostname' in error ? String(error.hostname) : 'the other side');
}

const callOf = (error: Error): string => ('syscall' in error ? String(error.syscall) : '');

/** What nobody has foreseen, with the place where it happened. */
export const renderBug = (error: Error): string =>
  `bug (INTERNAL): ${clean(error.stack ?? error.message, { multiline: true })}\n  next: ${reportBug}`;
