import { AmlpromoteError } from '../domain/errors.ts';

/** A line that no builder takes, or not every one alike; becomes an error with the file's name in `atLine`. */
export class Unreadable extends Error {
  /** Counted from 1. */
  readonly line: number;
  readonly nextSteps: readonly string[];

  constructor(line: number, reason: string, nextSteps: readonly string[] = []) {
    super(reason);
    this.name = 'Unreadable';
    this.line = line;
    this.nextSteps = nextSteps;
  }
}

/**
 * Runs a reader of a file and says where the file is at fault.
 * @throws MANIFEST_INVALID with file and line
 */
export function atLine<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}, line ${error.line}: ${error.message}`, {
      nextSteps: error.nextSteps.length > 0 ? error.nextSteps : [`Correct line ${error.line} of ${file}.`],
    });
  }
}
