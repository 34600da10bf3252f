import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createVerifier } from '../verified.ts';
import type { Verifier } from '../verified.ts';
import { pushScope } from './auth.ts';
import { brokenSource } from './pump.ts';
import type { Upload } from './transport.ts';
import type { Session } from './upload-session.ts';
import { advanced } from './upload-session.ts';
import type { Stretch, UploadJob } from './upload-outcome.ts';
import { failureOf, judge } from './upload-outcome.ts';

/**
 * From the session's offset on in PATCH requests of `limits.chunk` bytes, then an empty PUT (distribution-spec, "Pushing a blob
 * in chunks"). The source is read from its start, because the digest covers all of it; what the registry has is left out.
 */
export async function sendChunks(job: UploadJob, start: Session): Promise<Stretch> {
  let session = start;
  // All bytes there means that an earlier stretch verified them before it sent the last.
  if (session.offset < job.descriptor.size) {
    const verifier = createVerifier(job.descriptor);
    let source: Readable | undefined;
    try {
      source = await job.open();
      const pieces = remainder(source, verifier, session.offset, job.descriptor.size);
      while (session.offset < job.descriptor.size) {
        const outcome = await sendChunk(job, session, pieces);
        if (!('location' in outcome)) return outcome;
        session = outcome;
      }
    } catch (error) {
      return failureOf(error);
    } finally {
      source?.destroy();
    }
  }
  return commit(job, session);
}

/** Pieces of the source after `skip` bytes; the last one is handed out only once size and digest are right. */
async function* remainder(
  source: Readable,
  verifier: Verifier,
  skip: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const before = verifier.received;
    verifier.update(chunk);
    const fresh = before >= skip ? chunk : chunk.subarray(Math.min(chunk.byteLength, skip - before));
    if (fresh.byteLength === 0) continue;
    if (verifier.received === size) held = fresh;
    else yield fresh;
  }
  verifier.finish();
  if (held) yield held;
}

/** Splits pieces at a chunk's end: what is left of one opens the next. */
const leftovers = new WeakMap<AsyncGenerator<Uint8Array>, Uint8Array>();

async function sendChunk(
  job: UploadJob,
  session: Session,
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<Session | Stretch> {
  const { client, repository, descriptor, options } = job;
  const what = `upload a part of ${repository}@${descriptor.digest}`;
  const length = Math.min(client.limits.chunk, descriptor.size - session.offset);
  const end = session.offset + length;
  const { upload, used } = await client.upload(
    {
      method: 'PATCH',
      url: session.location,
      scope: pushScope(repository),
      what,
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${String(session.offset)}-${String(end - 1)}`,
      },
      signal: options.signal,
    },
    length,
  );
  try {
    let room = length;
    while (room > 0) {
      const piece = leftovers.get(pieces) ?? (await pieces.next()).value;
      if (!piece) throw brokenSource();
      leftovers.delete(pieces);
      const part = piece.subarray(0, room);
      if (part.byteLength < piece.byteLength) leftovers.set(pieces, piece.subarray(part.byteLength));
      room -= part.byteLength;
      if (!(await written(upload, part))) break;
      options.onBytes?.(end - room);
    }
  } catch (error) {
    upload.sink.destroy();
    return failureOf(error);
  }
  upload.sink.end();
  let answer;
  try {
    answer = await upload.answer;
  } catch (error) {
    return failureOf(error);
  }
  if (answer.status !== 202) {
    upload.sink.destroy();
    return judge(job, answer, used, what);
  }
  const next = advanced(client, answer, session);
  // A registry that took less than it was sent is asked again where it stands.
  if (next.offset !== end && answer.headers.range !== undefined) {
    return { kind: 'broken', error: client.errorOf(answer, what), answer };
  }
  return { location: next.location, offset: end };
}

/** False when the registry answered, or went away, before the end of the body. */
async function written(upload: Upload, part: Uint8Array): Promise<boolean> {
  const { sink, answer } = upload;
  if (sink.destroyed) return false;
  if (sink.write(part)) return true;
  const early = answer.then(
    () => false,
    () => false,
  );
  return Promise.race([once(sink, 'drain').then(() => true), early]);
}

async function commit(job: UploadJob, session: Session): Promise<Stretch> {
  const { client, repository, descriptor, options } = job;
  const what = `finish the upload of ${repository}@${descriptor.digest}`;
  const url = new URL(session.location);
  url.searchParams.set('digest', descriptor.digest);
  try {
    const answer = await client.send({
      method: 'PUT',
      url,
      scope: pushScope(repository),
      what,
      headers: { 'content-type': 'application/octet-stream' },
      signal: options.signal,
    });
    return await judge(job, answer, undefined, what);
  } catch (error) {
    return failureOf(error);
  }
}
