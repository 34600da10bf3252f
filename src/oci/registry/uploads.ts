import type { Readable } from 'node:stream';
import { createVerifier } from '../verified.ts';
import { pushScope } from './auth.ts';
import { hasBlob } from './blobs.ts';
import { pump } from './pump.ts';
import type { Stretch, UploadJob } from './upload-outcome.ts';
import { failureOf, judge } from './upload-outcome.ts';
import type { Session } from './upload-session.ts';
import { beginUpload, cancelUpload, uploadStatus } from './upload-session.ts';
import { sendChunks } from './upload-chunks.ts';

/**
 * POST (with mount), then one PUT with the whole body; after a break the registry is asked how far it got, and the rest goes in
 * chunks (distribution-spec, "Pushing blobs"; threats 40, 41, 43).
 * @throws INTEGRITY_MISMATCH with the session cancelled
 */
export async function uploadBlob(job: UploadJob): Promise<'mounted' | 'uploaded'> {
  const { client, repository, descriptor, options } = job;
  const { signal, mountFrom } = options;
  let session = await beginUpload(client, repository, descriptor, mountFrom, signal);
  if (session === 'mounted') return 'mounted';
  // The sibling did not have it; this repository may. (Without a mount the caller has looked already.)
  if (mountFrom !== undefined && (await hasBlob(client, repository, descriptor))) {
    await cancelUpload(client, repository, session);
    return 'mounted';
  }
  let chunked = false;
  let attempt = 1;
  for (;;) {
    const stretch: Stretch =
      chunked || session.offset > 0 ? await sendChunks(job, session) : await sendWhole(job, session);
    if (stretch.kind === 'done') return 'uploaded';
    if (stretch.kind === 'failed' || (stretch.kind === 'too-much' && chunked)) {
      await cancelUpload(client, repository, session);
      throw stretch.error;
    }
    if (stretch.kind === 'too-much') chunked = true;
    else if (stretch.reauthorised !== true || attempt > 1) {
      if (!(await client.pause(attempt, stretch.answer, signal))) throw stretch.error;
    }
    const before: number = session.offset;
    const next = await whereItStands(job, session);
    if (next === 'done') return 'uploaded';
    // Progress makes a further break a new one.
    attempt = next.offset > before ? 1 : attempt + 1;
    session = next;
  }
}

async function whereItStands(job: UploadJob, session: Session): Promise<Session | 'done'> {
  const { client, repository, descriptor, options } = job;
  const status = await uploadStatus(client, repository, session, options.signal);
  if (status && status.offset > 0 && status.offset <= descriptor.size) return status;
  if (status) await cancelUpload(client, repository, status);
  // The session may be gone because it was committed, and only the answer was lost.
  else if (await hasBlob(client, repository, descriptor)) return 'done';
  const fresh = await beginUpload(client, repository, descriptor, undefined, options.signal);
  return fresh === 'mounted' ? 'done' : fresh;
}

async function sendWhole(job: UploadJob, session: Session): Promise<Stretch> {
  const { client, repository, descriptor, options } = job;
  const what = `upload ${repository}@${descriptor.digest}`;
  const url = new URL(session.location);
  url.searchParams.set('digest', descriptor.digest);
  let source: Readable;
  try {
    source = await job.open();
  } catch (error) {
    return { kind: 'failed', error };
  }
  // Nobody listens yet: a source that breaks while a token is fetched must not end the process.
  source.on('error', () => undefined);
  const request = {
    method: 'PUT',
    url,
    scope: pushScope(repository),
    what,
    headers: { 'content-type': 'application/octet-stream' },
    signal: options.signal,
  };
  const { upload, used } = await client.upload(request, descriptor.size).catch((error: unknown) => {
    source.destroy();
    throw error;
  });
  const verifier = createVerifier(descriptor);
  const result = await pump(source, upload, verifier, descriptor.size, (sent) => options.onBytes?.(sent));
  if (result.kind !== 'answered') return failureOf(result.error);
  return judge(job, result.answer, used, what);
}
