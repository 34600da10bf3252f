import type { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { refusePage } from '../../network/causes.ts';
import type { PushBlobOptions } from '../../ports/content.ts';
import { pushScope } from './auth.ts';
import type { Client } from './client.ts';
import type { Answer } from './errors.ts';
import { isRetriedStatus, isTransient } from './errors.ts';

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

/** Of source or target. A source may be opened again; the session at the target is as good as before. */
export const failureOf = (error: unknown): Stretch =>
  isTransient(error) ? { kind: 'broken', error } : { kind: 'failed', error };

/** What an answer to PUT or PATCH means for the upload. */
export async function judge(
  job: UploadJob,
  answer: Answer,
  used: string | undefined,
  what: string,
): Promise<Stretch> {
  const { client, repository, descriptor } = job;
  const { status } = answer;
  try {
    refusePage(status, answer.headers['content-type'], client.host, what);
  } catch (error) {
    return { kind: 'failed', error };
  }
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
