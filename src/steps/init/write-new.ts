import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AmlpromoteError } from '../../domain/errors.ts';
import { makeDirectory } from '../../files/make-directory.ts';

/** What happened to the files of a directory; paths relative to it, in the order of writing. */
export interface FileOutcome {
  readonly written: readonly string[];
  /** Was there already, and was left alone. */
  readonly kept: readonly string[];
}

/** Writes files that are not there yet, whole or not at all. */
export class NewFiles {
  readonly #directory: string;
  readonly #written: string[] = [];
  readonly #kept: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  get outcome(): FileOutcome {
    return { written: [...this.#written], kept: [...this.#kept] };
  }

  /**
   * `link` refuses an existing name, whatever it is, so nothing is ever overwritten and no symlink followed; and a file
   * that is there is complete.
   */
  async write(name: string, content: string, mode: 0o600 | 0o644 = 0o644): Promise<void> {
    const target = path.join(this.#directory, name);
    const temporary = `${target}.${randomUUID()}.tmp`;
    try {
      makeDirectory(path.dirname(target));
      await writeFile(temporary, content, { mode, flag: 'wx', flush: true });
    } catch (cause) {
      throw cannotWrite(target, cause);
    }
    try {
      await link(temporary, target);
      this.#written.push(name);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(target, cause);
      this.#kept.push(name);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.#directory, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function cannotWrite(file: string, cause: unknown): AmlpromoteError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'error';
  const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'DISK_FULL' : 'USAGE';
  return new AmlpromoteError(kind, `cannot write ${file} (${code})`, {
    nextSteps: [
      kind === 'DISK_FULL'
        ? 'Free some space and run it again.'
        : 'Choose a directory that you may write to.',
    ],
    cause,
  });
}
