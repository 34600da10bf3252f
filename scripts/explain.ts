import { ExecaError } from 'execa';
import { renderBug, renderError } from '../src/cli/error.ts';
import { AmlpromoteError } from '../src/domain/errors.ts';

/** Says what ended a script, as commands do, and returns the exit code for it: a stack trace is for bugs only. */
export function explain(error: unknown, say: (text: string) => void): number {
  if (error instanceof AmlpromoteError) {
    say(renderError(error));
    return error.exitCode;
  }
  // The command has said what went wrong; its exit code is ours.
  if (error instanceof ExecaError && error.exitCode !== undefined) return error.exitCode;
  say(renderBug(error instanceof Error ? error : new Error(String(error))));
  return 1;
}
