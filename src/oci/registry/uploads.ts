import type { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { PushBlobOptions } from '../../ports/content.ts';
import { createVerifier } from '../verified.ts';
import { pushScope } from './auth.ts';
import { hasBlob } from './blobs.ts';
import type { Client } from './client.ts';
import type { Answer } from './errors.ts';
import { isRetriedStatus, isTransient } from './errors.ts';
import { pump } from './pump.ts';
import type { Session } from './upload-session.ts';
import { beginUpload, cancelUpload, uploadStatus } from './upload-session.ts';
import { sendChunks } from './upload-chunks.ts';

/** What one stretch of an upload came to. */
export type Stretch =
  | { readonly kind: 'done' }
  /** May be continued: `answer` is what the registry said, if it said anything. */
  | {
      readonly kind: 'broken';
      readonly error: unknown;
      readonly answer?: Answer;
      readonly reauthorised?: boolean;
    }
  /** The registry does not take a whole blob at once. */
  | { readonly kind: 'too-much'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface UploadJob {
  readonly client: Client;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly open: () => Promise<Readable>;
  readonly options: PushBlobOptions;
}

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
  // Nobody listens yet: a source that breaks while the connection is made must not end the process.
  source.on('error', () => undefined);
  const { upload, used } = await client.upload(
    {
      method: 'PUT',
      url,
      scope: pushScope(repository),
      what,
      headers: { 'content-type': 'application/octet-stream' },
      signal: options.signal,
    },
    descriptor.size,
  );
  const verifier = createVerifier(descriptor);
  const result = await pump(source, upload, verifier, descriptor.size, (sent) => options.onBytes?.(sent));
  if (result.kind === 'source') return sourceFailure(result.error);
  if (result.kind === 'target') return targetFailure(result.error);
  return judge(job, result.answer, used, what);
}

/** A source may be opened again; the session at the target is as good as before. */
export const sourceFailure = (error: unknown): Stretch =>
  isTransient(error) ? { kind: 'broken', error } : { kind: 'failed', error };

export const targetFailure = sourceFailure;

/** What an answer to PUT or PATCH means for the upload. */
export async function judge(
  job: UploadJob,
  answer: Answer,
  used: string | undefined,
  what: string,
): Promise<Stretch> {
  const { client, repository, descriptor } = job;
  const { status } = answer;
  if (status === 201 || status === 204) {
    const digest = answer.headers['docker-content-digest'];
    if (digest === undefined || digest === descriptor.digest) return { kind: 'done' };
    return { kind: 'failed', error: wrongDigest(job, 'stored it as another digest') };
  }
  const error = client.errorOf(answer, what);
  if (status === 401) {
    const reauthorised = await client.reauthorise(pushScope(repository), used, answer);
    return reauthorised ? { kind: 'broken', error, answer, reauthorised } : { kind: 'failed', error };
  }
  if (isRetriedStatus(status) || status === 404) return { kind: 'broken', error, answer };
  if ([405, 411, 413, 416, 501].includes(status)) return { kind: 'too-much', error };
  if (status === 400 && Buffer.from(answer.body).includes('DIGEST_INVALID')) {
    return {
      kind: 'failed',
      error: wrongDigest(job, 'received other bytes than were sent (DIGEST_INVALID)'),
    };
  }
  return { kind: 'failed', error };
}

const wrongDigest = (job: UploadJob, why: string): AmlpromoteError =>
  new AmlpromoteError(
    'INTEGRITY_MISMATCH',
    `${job.client.host}: ${job.repository} ${why}: ${job.descriptor.digest}`,
    {
      nextSteps: ['Run again; if it happens again, something between here and the registry changes content.'],
    },
  );
