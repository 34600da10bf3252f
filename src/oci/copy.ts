import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isImageManifestType, isIndexType } from '../domain/media-types.ts';
import type { ContentReader, Repository } from '../ports/content.ts';
import type { CopyJob } from './copy-blob.ts';
import { checkAborted, copyBlob, interrupted } from './copy-blob.ts';
import { createLimiter } from './copy-limiter.ts';
import { childrenOf, parseManifest } from './manifest.ts';

export interface CopyOptions {
  /** `name` is only for messages. */
  readonly from: ContentReader & { readonly name?: string };
  readonly to: Repository;
  /** A manifest or index; its digest decides, whatever its size says. */
  readonly root: Descriptor;
  /** A repository of the target's registry that may have the blobs already. */
  readonly mountFrom?: string;
  readonly tag?: string | undefined;
  /** Blobs in transfer at a time; default 4. */
  readonly concurrency?: number;
  readonly onBytes?: (digest: Digest, done: number, total: number) => void;
  /** Right after something durable was done: `blob` or `manifest`, with `repository@digest`. */
  readonly onEffect?: (effect: string, subject: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface CopyReport {
  /** Blobs and manifests that were sent. */
  readonly copied: number;
  /** Blobs that the registry took over from a sibling repository. */
  readonly mounted: number;
  /** Blobs and manifests that were there; the children of a manifest that is there count as one with it. */
  readonly skipped: number;
  /** Of the blobs and manifests that were sent. */
  readonly bytes: number;
}

/** HEAD requests cost a round trip and nothing else. */
const looksAtATime = 16;

/** Nesting of indexes: a release lists an image index that lists images. */
const maxDepth = 5;

/**
 * Copies a manifest or index with everything below it, and nothing that points at it. A manifest that is at the target implies
 * its children, so repeating a copy costs one HEAD; children go before parents, so a manifest that is there is complete, and a
 * killed copy goes on where it stopped. Memory does not depend on the size of the content.
 * @throws LISTED_CONTENT_MISSING, INTEGRITY_MISMATCH (after a second try), CONTENT_INVALID, INTERRUPTED; what both sides throw
 */
export async function copyContent(options: CopyOptions): Promise<CopyReport> {
  const report = { copied: 0, mounted: 0, skipped: 0, bytes: 0 };
  const failure = new AbortController();
  const job: CopyJob = {
    options,
    signal: options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal,
    fail: (error) => failure.abort(error),
    transfers: createLimiter(options.concurrency ?? 4),
    looks: createLimiter(looksAtATime),
    seen: new Map(),
    report,
  };
  try {
    await copyManifest(job, options.root, options.tag, 0);
  } catch (error) {
    // Whatever broke first when everything was broken off is not the story.
    if (options.signal?.aborted) throw interrupted();
    throw failure.signal.aborted ? failure.signal.reason : error;
  }
  return { ...report };
}

async function copyManifest(
  job: CopyJob,
  root: Descriptor,
  tag: string | undefined,
  depth: number,
): Promise<void> {
  const { to } = job.options;
  checkAborted(job);
  // Under a new tag everything may be there already.
  const [tagged, complete] = await Promise.all([
    tag === undefined ? undefined : to.resolve(tag),
    isComplete(to, root),
  ]);
  if (complete && (tag === undefined || tagged?.digest === root.digest)) {
    job.report.skipped += 1;
    return;
  }
  const content = await readManifest(job, root);
  if (!complete) await copyChildren(job, content, depth);
  checkAborted(job);
  await to.pushManifest(content, tag);
  job.report.copied += 1;
  job.report.bytes += content.bytes.byteLength;
  job.options.onEffect?.('manifest', `${to.name}@${root.digest}`);
}

/**
 * Whether the target has the manifest, hence what is below it. A manifest with a subject must be in the subject's list too: a
 * process may have been killed between the two, where the registry does not keep that list itself.
 */
async function isComplete(to: Repository, root: Descriptor): Promise<boolean> {
  if (isIndexType(root.mediaType)) return (await to.resolve(root.digest)) !== undefined;
  const content = await to.manifest(root.digest);
  if (!content) return false;
  const { subject } = parseManifest(content);
  if (!subject) return true;
  return (await to.referrers(subject.digest)).some((referrer) => referrer.digest === root.digest);
}

async function copyChildren(job: CopyJob, content: ManifestContent, depth: number): Promise<void> {
  if (depth >= maxDepth) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `index ${content.descriptor.digest}: indexes are nested deeper than ${String(maxDepth)}`,
    );
  }
  const children = childrenOf(content);
  const tasks = isIndexType(content.descriptor.mediaType)
    ? children.map(async (child) =>
        once(job, child, async () => copyManifest(job, manifestOnly(child), undefined, depth + 1)),
      )
    : largestFirst(children).map(async (child) => once(job, child, async () => copyBlob(job, child)));
  await allOrFirstError(tasks, job.fail);
}

/** What an index lists must be a manifest (CVE-2021-41190: not a blob taken for one). */
function manifestOnly(child: Descriptor): Descriptor {
  if (isIndexType(child.mediaType) || isImageManifestType(child.mediaType)) return child;
  throw new AmlpromoteError(
    'CONTENT_INVALID',
    `an index lists ${child.digest}, which is no manifest (${child.mediaType})`,
  );
}

async function readManifest(job: CopyJob, root: Descriptor): Promise<ManifestContent> {
  const content = await job.options.from.manifest(root.digest);
  if (!content) {
    throw new AmlpromoteError(
      'LISTED_CONTENT_MISSING',
      `${job.options.from.name ?? 'the source'} does not have the manifest ${root.digest}`,
      {
        nextSteps: [
          'Look whether it was deleted at the source (retention of untagged manifests does that); then release again.',
        ],
      },
    );
  }
  if (content.descriptor.mediaType !== root.mediaType) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `manifest ${root.digest} is listed as ${root.mediaType} but came as ${content.descriptor.mediaType}`,
    );
  }
  return content;
}

async function once(job: CopyJob, child: Descriptor, task: () => Promise<void>): Promise<void> {
  const running = job.seen.get(child.digest) ?? task();
  job.seen.set(child.digest, running);
  return running;
}

/** The longest transfer starts first, or it would be the last to end, alone. */
const largestFirst = (blobs: readonly Descriptor[]): readonly Descriptor[] =>
  [...blobs].sort((a, b) => b.size - a.size);

/** Waits for all even after a failure, so that nothing goes on behind the caller's back; but the failure ends the others. */
async function allOrFirstError(
  tasks: readonly Promise<void>[],
  fail: (error: unknown) => void,
): Promise<void> {
  const errors: unknown[] = [];
  const watched = tasks.map(async (task) =>
    task.catch((error: unknown) => {
      errors.push(error);
      fail(error);
    }),
  );
  await Promise.all(watched);
  if (errors.length > 0) throw errors[0];
}
