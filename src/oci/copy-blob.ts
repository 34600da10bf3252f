import type { Readable } from 'node:stream';
import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { CopyOptions } from './copy.ts';
import type { Limiter } from './copy-limiter.ts';

/** One run of `copyContent`. */
export interface CopyJob {
  readonly options: CopyOptions;
  /** Aborted by the caller, or by the first failure: then nothing new begins and what runs is broken off. */
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
  readonly transfers: Limiter;
  readonly looks: Limiter;
  /** Blobs and manifests of this run, by digest: each is looked at once, however often it is listed. */
  readonly seen: Map<Digest, Promise<void>>;
  readonly report: { copied: number; mounted: number; skipped: number; bytes: number };
}

/** One blob: looked for, mounted or sent. */
export async function copyBlob(job: CopyJob, blob: Descriptor): Promise<void> {
  const { to, mountFrom, onBytes, onEffect } = job.options;
  const outcome =
    mountFrom === undefined || mountFrom === to.name
      ? await lookAndPush(job, blob)
      : await mount(job, blob, mountFrom);
  if (outcome === 'uploaded') {
    job.report.copied += 1;
    job.report.bytes += blob.size;
  } else {
    job.report[outcome === 'mounted' ? 'mounted' : 'skipped'] += 1;
    onBytes?.(blob.digest, blob.size, blob.size);
  }
  if (outcome !== 'there') onEffect?.('blob', `${to.name}@${blob.digest}`);
}

async function lookAndPush(job: CopyJob, blob: Descriptor): Promise<'there' | 'mounted' | 'uploaded'> {
  const { from, to } = job.options;
  const there = await job.looks(blob.size, async () => {
    checkAborted(job);
    return to.hasBlob(blob);
  });
  if (there) return 'there';
  return job.transfers(blob.size, async () => push(job, blob, async () => from.blob(blob)));
}

/** A mount answers the question in the same breath and moves nothing: it needs a transfer's turn only when it comes to one. */
async function mount(job: CopyJob, blob: Descriptor, mountFrom: string): Promise<'mounted' | 'uploaded'> {
  let opened: Readable | undefined;
  const open = async (): Promise<Readable> =>
    new Promise((resolve, reject) => {
      job
        .transfers(blob.size, async () => {
          checkAborted(job);
          const stream = await job.options.from.blob(blob);
          opened = stream;
          const closed = new Promise((done) => stream.once('close', done));
          resolve(stream);
          await closed;
        })
        .catch(reject);
    });
  try {
    return await job.looks(blob.size, async () => push(job, blob, open, mountFrom));
  } finally {
    // A turn ends with its stream: also with one that nobody came to read.
    opened?.destroy();
  }
}

async function push(
  job: CopyJob,
  blob: Descriptor,
  open: () => Promise<Readable>,
  mountFrom?: string,
): Promise<'mounted' | 'uploaded'> {
  const { to, onBytes } = job.options;
  const once = async (): Promise<'mounted' | 'uploaded'> => {
    checkAborted(job);
    return to.pushBlob(blob, open, {
      ...(mountFrom === undefined ? {} : { mountFrom }),
      onBytes: (sent) => onBytes?.(blob.digest, sent, blob.size),
      signal: job.signal,
    });
  };
  return once().catch(async (error: unknown) => {
    // A bit may flip once on the way; a source that holds other bytes gives them twice.
    if (error instanceof AmlpromoteError && error.code === 'INTEGRITY_MISMATCH') return once();
    throw error;
  });
}

export function checkAborted(job: CopyJob): void {
  if (job.signal.aborted) throw interrupted();
}

export const interrupted = (): AmlpromoteError =>
  new AmlpromoteError('INTERRUPTED', 'interrupted; run again to go on where it stopped');
