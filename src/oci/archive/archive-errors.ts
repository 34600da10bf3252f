import type { Readable } from 'node:stream';
import { AmlpromoteError } from '../../domain/errors.ts';
import { storeError } from '../store/files.ts';
import { invalidArchive } from './archive-manifest.ts';

/** Notes when the engine's stream ends before its end: readers further down only see that they got no more. */
export function watchForBreak(archive: Readable, onBreak: (error: Error) => void): () => Error | undefined {
  let broken: Error | undefined;
  let ended = false;
  const note = (error: Error): void => {
    if (ended || broken) return;
    broken = error;
    onBreak(error);
  };
  archive.once('end', () => (ended = true));
  archive.once('error', note);
  archive.once('close', () => note(new Error('closed before its end')));
  return () => broken;
}

/** What went wrong while an archive was read: with the engine, with the store's disk, or with the archive. */
export function archiveError(error: unknown, broken: Error | undefined, directory: string): unknown {
  if (error instanceof AmlpromoteError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (broken || /unexpected end of data/i.test(message)) {
    return new AmlpromoteError('ENGINE_UNREACHABLE', 'the engine broke off while it sent the image', {
      cause: broken ?? error,
      nextSteps: ['Run the same command again: what has been stored is not sent again.'],
    });
  }
  if (/invalid tar/i.test(message)) return invalidArchive(message);
  return storeError(error, directory, 'keep what the engine sent');
}
