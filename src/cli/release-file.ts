import { lstat, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AmlpromoteError } from '../domain/errors.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import { makeDirectory } from '../files/make-directory.ts';
import { readInput, whyUnreadable } from '../files/read-input.ts';
import { systemCode } from '../files/system-code.ts';
import { isKind, notAFile, wrongKind } from '../manifest/wrong-file.ts';
import { formatReleaseDocument, parseReleaseDocument } from '../evidence/release-document.ts';

/** It names digests only. */
const maxReleaseBytes = 1024 * 1024;

/** @throws MANIFEST_INVALID */
export async function readReleaseFile(file: string): Promise<ReleaseDocument> {
  const bytes = await readInput(file, maxReleaseBytes).catch((cause: unknown) => {
    const meant = systemCode(cause) === 'ENOENT' ? notAFile(file, 'Release') : undefined;
    if (meant) throw meant;
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: ${whyUnreadable(cause)}`, {
      nextSteps: ['Give the release.json that amlpromote release (or promote --outside) wrote.'],
      cause,
    });
  });
  const other = wrongKind(bytes.toString('utf8'), 'Release');
  if (other)
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: ${other.message}`, {
      nextSteps: [other.nextStep],
    });
  return parseReleaseDocument(bytes, file);
}

/** For commands that take a manifest as well. A file that is not there is what its name says. */
export async function isReleaseFile(file: string): Promise<boolean> {
  try {
    // A pipe can be read once only.
    if (!(await stat(file)).isFile()) return file.endsWith('.json');
    return await holdsRelease(file);
  } catch {
    return file.endsWith('.json');
  }
}

const holdsRelease = async (file: string): Promise<boolean> =>
  isKind((await readInput(file, maxReleaseBytes)).toString('utf8'), 'Release');

/**
 * That a release may be written there, before one is made: over an older one or an empty file, and to what is no file (a pipe,
 * `/dev/stdout`), but not over anything else.
 * @throws USAGE
 */
export async function requireReleaseTarget(file: string): Promise<void> {
  const facts = await stat(file).catch(() => undefined);
  const isOther =
    facts?.isFile() === true && facts.size > 0 && !(await holdsRelease(file).catch(() => false));
  if (!isOther && facts?.isDirectory() !== true) return;
  throw new AmlpromoteError(
    'USAGE',
    `--out ${file}: ${isOther ? 'a file is there that is no release, and would be lost' : 'it is a directory'}`,
    { nextSteps: ['Name another file with --out, or remove the one that is there.'] },
  );
}

/** Whole or not at all: a pipeline may pick the file up at any moment. Returns the absolute path. @throws USAGE */
export async function writeReleaseFile(file: string, document: ReleaseDocument): Promise<string> {
  await requireReleaseTarget(file);
  const target = path.resolve(file);
  // A link stays one: what it leads to is written.
  const place = await realpath(target).catch(() => target);
  const temporary = `${place}.${String(process.pid)}.tmp`;
  try {
    makeDirectory(path.dirname(place));
    const there = await lstat(place).catch(() => undefined);
    if (there && !there.isFile()) {
      await writeFile(place, formatReleaseDocument(document));
    } else {
      await writeFile(temporary, formatReleaseDocument(document));
      await rename(temporary, place);
    }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const code = systemCode(cause);
    const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO';
    throw new AmlpromoteError(
      full ? 'DISK_FULL' : 'FORBIDDEN',
      `${target} cannot be written (${code ?? 'unknown cause'})`,
      {
        nextSteps: [
          full
            ? 'Make room or choose another place with --out; the release itself is made, run again to write the file.'
            : 'Choose a file that you may write with --out; the release itself is made, run again to write the file.',
        ],
        cause,
      },
    );
  }
  return target;
}
