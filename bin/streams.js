import { Buffer } from 'node:buffer';
import { fstatSync, writeSync } from 'node:fs';

/**
 * What happens to standard output and error must not change what a command answers: its exit code is its own verdict.
 * - A reader that has left (`| head`; EPIPE) has seen enough: the command goes on in silence.
 * - Output that could not be written (a full or broken disk) is told on standard error, and never ends as 0: the result was lost.
 * - Without standard error there is nobody to tell.
 *
 * To be imported before oclif: its own listener throws what is not EPIPE, and listeners are called in the order of their coming.
 */
let lost;

process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') return;
  lost ??= error.code ?? 'unknown cause';
  error.code = 'EPIPE';
});
process.stderr.on('error', () => undefined);

process.on('exit', (code) => {
  if (lost === undefined) return;
  if (code === 0) process.exitCode = 20;
  const full = lost === 'ENOSPC' || lost === 'EDQUOT';
  try {
    writeSync(
      2,
      `could not check (${full ? 'DISK_FULL' : 'OPERATION_FAILED'}): the result could not be written to standard output (${lost})\n` +
        `  next: ${full ? 'Free space there, or send the output elsewhere' : 'Send the output elsewhere'}, then run the same command again: what is done stays done.\n`,
    );
  } catch {
    // Standard error has gone as well.
  }
});

for (const stream of [process.stdout, process.stderr]) writeWhole(stream);

/** Node writes to a file once and takes it for all: on a disk that is nearly full the rest would be missing without a word. */
function writeWhole(stream) {
  try {
    if (!fstatSync(stream.fd).isFile()) return;
  } catch {
    return;
  }
  stream._write = (chunk, encoding, done) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(stream.fd, bytes, at);
    } catch (error) {
      done(error);
      return;
    }
    done();
  };
}
