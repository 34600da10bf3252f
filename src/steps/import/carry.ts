import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError, isInconclusive, isRefusal } from '../../domain/errors.ts';
import type { Progress } from '../../domain/events.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import type { Release, ReleaseDocument } from '../../domain/release.ts';
import { maxEnvelopeBytes } from '../../evidence/notation-envelope.ts';
import type { Repository } from '../../ports/content.ts';
import type { Importer } from '../../ports/importer.ts';
import { listCarried, missing, platformsOf, readRelease } from './carried-release.ts';
import type { CarriedRelease } from './carried-release.ts';

export interface CarryOptions {
  readonly document: ReleaseDocument;
  readonly importer: Importer;
  /** The quarantine repository. */
  readonly target: Repository;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface CarriedSignatures {
  /** Of those that `release.json` names, why one did not come; junk among them stops nobody. */
  readonly failures: readonly AmlpromoteError[];
  /** The registry takes no signature before what it signs. */
  readonly needsSubject: boolean;
}

/**
 * Brings a release into quarantine, part by part, so that the caller can judge each part before it asks for the next. What is
 * there already is not carried again.
 */
export interface Carrier {
  /** Requests that moved something, so far. */
  readonly transfers: number;
  /** The manifests that `release.json` calls signatures: small, and the only thing that is carried on nobody's word. */
  signatures(): Promise<CarriedSignatures>;
  /** The index, which brings its children where the route does that. */
  index(): Promise<Release>;
  /**
   * Whatever of the list is missing then, digest by digest (a server-side import may leave children behind that are not images).
   * @throws LISTED_CONTENT_MISSING when the source does not have something that the list names; and what the route throws
   */
  parts(release: Release): Promise<CarriedRelease>;
}

export function createCarrier(options: CarryOptions): Carrier {
  const { document, target } = options;
  let transfers = 0;
  const ensure = async (content: Descriptor, maxBytes?: number): Promise<'there' | 'needs-subject'> => {
    if (await target.resolve(content.digest)) return 'there';
    const outcome = await fetchOne(content, maxBytes, options);
    if (outcome === 'there') transfers += 1;
    return outcome;
  };
  const required = async (content: Descriptor): Promise<void> => {
    if ((await ensure(content)) === 'there') return;
    throw new AmlpromoteError(
      'OPERATION_FAILED',
      `${content.digest} was not taken by ${target.name}: what it refers to is not there`,
      { nextSteps: ['Run again; if it comes out the same, check what the release lists with its owner.'] },
    );
  };
  return {
    get transfers() {
      return transfers;
    },
    signatures: async () => {
      const failures: AmlpromoteError[] = [];
      for (const digest of document.signatures) {
        try {
          const outcome = await ensure(
            { mediaType: mediaTypes.ociManifest, digest, size: 0 },
            maxEnvelopeBytes,
          );
          if (outcome === 'needs-subject') return { failures, needsSubject: true };
        } catch (error) {
          if (!isRefusal(error)) throw error;
          failures.push(error);
        }
      }
      return { failures, needsSubject: false };
    },
    index: async () => {
      await required(indexOf(document));
      return await readRelease(target, document);
    },
    parts: async (release) => {
      for (const { descriptor } of [{ descriptor: release.image }, ...release.evidence])
        await required(descriptor);
      for (const child of await platformsOf(target, release.image)) await required(child);
      return await listCarried(target, release, document);
    },
  };
}

/** What a signature of the release signs; a Notation signature covers all three. */
export const indexOf = ({ index }: ReleaseDocument): Descriptor => ({
  mediaType: mediaTypes.ociIndex,
  digest: index.digest,
  size: index.size,
});

async function fetchOne(
  content: Descriptor,
  maxBytes: number | undefined,
  options: CarryOptions,
): Promise<'there' | 'needs-subject'> {
  const { document, importer, target, progress, signal } = options;
  const subject = `${target.name}@${content.digest}`;
  // This is the part that takes its time, and a server-side import shows no bytes.
  progress({
    type: 'note',
    step: 'import',
    message: `carrying ${content.digest} by ${importer.route} into ${target.name}`,
  });
  const outcome = await importer
    .carry({
      sourceRepository: document.repository,
      targetRepository: target.name,
      content,
      progress,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      signal,
    })
    .catch(async (cause: unknown) => {
      // A repeated request may find its own first attempt done ("already exists"): what counts is what is there.
      if (await isThere(target, content.digest)) return undefined;
      throw cause;
    });
  if (outcome === 'needs-subject') return outcome;
  progress({ type: 'effect', step: 'import', effect: 'carried', subject });
  if (await target.resolve(content.digest)) return 'there';
  throw missing(content.digest, target, document);
}

async function isThere(target: Repository, digest: Digest): Promise<boolean> {
  try {
    return (await target.resolve(digest)) !== undefined;
  } catch (error) {
    if (isInconclusive(error)) return false;
    throw error;
  }
}
