import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { releaseCounterOf, tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import type { Repository } from '../../ports/content.ts';

/** The release with the highest counter in a repository, or undefined when there is none. */
async function highestPublished(repository: Repository): Promise<Release | undefined> {
  const counters = (await repository.tags()).flatMap((tag) => releaseCounterOf(tag) ?? []);
  const highest = Math.max(0, ...counters);
  return highest === 0 ? undefined : await readReleaseTag(repository, highest);
}

/** The release under `release-<n>`, or undefined when that tag is free. */
export async function readReleaseTag(repository: Repository, counter: number): Promise<Release | undefined> {
  const content = await repository.manifest(tags.release(counter));
  return content ? parseReleaseIndex(content) : undefined;
}

export interface CounterRequest {
  readonly name: string;
  readonly version: string;
  readonly image: Digest;
  /** From the image manifest. */
  readonly wanted: number | undefined;
}

/**
 * One more than the highest published, the same again for the same image; or the one that the image manifest asks for.
 * @throws VERSION_CONFLICT when the version names another image already, TAG_CONFLICT when the wanted counter is taken
 */
export async function chooseCounter(repository: Repository, request: CounterRequest): Promise<number> {
  const highest = await highestPublished(repository);
  if (highest?.version === request.version && highest.image.digest !== request.image) {
    throw new AmlpromoteError(
      'VERSION_CONFLICT',
      `${request.name} ${request.version} was released already with another image (${highest.image.digest})`,
      { nextSteps: ['A version is never reused: raise `version` in the image manifest and build again.'] },
    );
  }
  const isSame = (release: Release): boolean =>
    release.image.digest === request.image && release.version === request.version;
  if (request.wanted === undefined)
    return highest && isSame(highest) ? highest.release : (highest?.release ?? 0) + 1;
  const taken =
    highest?.release === request.wanted ? highest : await readReleaseTag(repository, request.wanted);
  if (taken && !isSame(taken)) {
    throw new AmlpromoteError(
      'TAG_CONFLICT',
      `release ${request.wanted} of ${repository.name} is another image`,
      {
        nextSteps: [
          `Use a higher \`release\` in the image manifest (the highest published is ${highest?.release ?? 0}), or leave it out.`,
        ],
      },
    );
  }
  return request.wanted;
}
