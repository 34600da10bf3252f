import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Seal, SealPurpose } from '../ports/seal.ts';
import { makeDirectory } from './make-directory.ts';

/** What a sealed file is about: `parts` are sealed with its text, so that it is none in another's place. */
export interface SealedRecord {
  readonly purpose: SealPurpose;
  readonly parts: readonly string[];
}

/** The text of a file of a cache; undefined when it is not there, cannot be read or was not written by this machine. */
export async function readSealed(
  file: string,
  { purpose, parts }: SealedRecord,
  seal: Seal,
): Promise<string | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    const end = text.indexOf('\n');
    const body = text.slice(end + 1);
    return seal.isSealed(purpose, [...parts, body], text.slice(0, end)) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Writes it whole or not at all (0600); a cache that cannot be written is no error. */
export async function writeSealed(
  file: string,
  { purpose, parts }: SealedRecord,
  body: string,
  seal: Seal,
): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    makeDirectory(dirname(file));
    await writeFile(temporary, `${seal.seal(purpose, [...parts, body])}\n${body}`, { mode: 0o600 });
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
