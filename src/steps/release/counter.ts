import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { maxCounter, releaseCounterOf, tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import type { Repository } from '../../ports/content.ts';
import { readTaggedRelease } from '../verify/tagged-release.ts';
import type { AskSigned, TaggedRelease } from '../verify/tagged-release.ts';

export interface CounterRequest {
  readonly name: string;
  readonly version: string;
  readonly image: Digest;
  /** From the image manifest. */
  readonly wanted: number | undefined;
  /** The index that the parts at hand make under a counter. */
  readonly indexUnder: (counter: number) => Digest;
}

/**
 * One counter names one index for ever: the counter of the highest signed release when these parts make that very index, else
 * the next one that is free; or the one that the image manifest asks for. What no trusted signer has signed neither counts nor
 * is overwritten: its tag is passed by.
 * @throws VERSION_CONFLICT when the version names another image already; TAG_CONFLICT when the wanted counter is taken or all
 * are used up; INCONCLUSIVE when too much was tagged to be judged
 */
export async function chooseCounter(
  repository: Repository,
  request: CounterRequest,
  isSigned: AskSigned,
): Promise<number> {
  const { wanted } = request;
  if (wanted !== undefined) return await chooseWanted(repository, { ...request, wanted }, isSigned);
  const { highest, passed } = await findHighest(repository, isSigned);
  await requireNewVersion(repository, request, isSigned);
  if (highest && highest.index.digest === request.indexUnder(highest.release)) return highest.release;
  for (let counter = (highest?.release ?? 0) + 1; counter <= maxCounter; counter += 1) {
    // An index of ours that was never signed, after a crash, is gone on with.
    if (!passed.has(counter) || passed.get(counter) === request.indexUnder(counter)) return counter;
  }
  throw usedUp(repository, highest);
}

/** The answer to "which counter" is given; what remains to be asked is whether it is free for this index. */
async function chooseWanted(
  repository: Repository,
  request: CounterRequest & { readonly wanted: number },
  isSigned: AskSigned,
): Promise<number> {
  const { wanted } = request;
  const taken = await readTaggedRelease(repository, wanted, isSigned);
  if (taken && digestOf(taken) !== request.indexUnder(wanted)) throw conflict(repository, wanted, taken);
  try {
    await requireNewVersion(repository, request, isSigned);
  } catch (error) {
    // Too many tags to judge: the way out of that is to name a counter, so it must not be shut by it.
    if (!(error instanceof AmlpromoteError) || error.code !== 'INCONCLUSIVE') throw error;
  }
  return wanted;
}

interface Highest {
  /** The signed release with the highest counter. */
  readonly highest: Release | undefined;
  /** What is tagged with higher counters and does not count, by counter. */
  readonly passed: ReadonlyMap<number, Digest | undefined>;
}

const concurrent = 8;

/** From the highest tag down to the first that is a signed release. */
async function findHighest(repository: Repository, isSigned: AskSigned): Promise<Highest> {
  const counters = await countersOf(repository);
  const passed = new Map<number, Digest | undefined>();
  for (let start = 0; start < counters.length; start += concurrent) {
    if (start >= maxForeignEntries) throw tooMany(repository, counters.length);
    const batch = counters.slice(start, start + concurrent);
    const read = await Promise.all(
      batch.map(async (counter) => await readTaggedRelease(repository, counter, isSigned)),
    );
    for (const [at, counter] of batch.entries()) {
      const tagged = read[at];
      if (tagged?.kind === 'trusted') return { highest: tagged.release, passed };
      if (tagged) passed.set(counter, tagged.digest);
    }
  }
  return { highest: undefined, passed };
}

const digestOf = (tagged: TaggedRelease): Digest | undefined =>
  tagged.kind === 'trusted' ? tagged.release.index.digest : tagged.digest;

/** Of all release tags, the highest first. */
const countersOf = async (repository: Repository): Promise<readonly number[]> =>
  (await repository.tags()).flatMap((tag) => releaseCounterOf(tag) ?? []).sort((a, b) => b - a);

/** Uniqueness is asked of all releases, not only of the highest. */
async function requireNewVersion(
  repository: Repository,
  { name, version, image }: CounterRequest,
  isSigned: AskSigned,
): Promise<void> {
  const other = await findReleaseOf(repository, version, isSigned, (one) => one.image.digest !== image);
  if (other) throw versionConflict(name, version, other);
}

export const versionConflict = (name: string, version: string, { image }: Release): AmlpromoteError =>
  new AmlpromoteError(
    'VERSION_CONFLICT',
    `${name} ${version} was released already with another image (${image.digest})`,
    { nextSteps: ['A version is never reused: raise `version` in the image manifest and build again.'] },
  );

/**
 * The newest release of a version that a trusted signer has signed. Signatures are asked for only where the version is the one
 * in question: a repository may have thousands of releases.
 * @throws INCONCLUSIVE when too much is tagged to be read
 */
export async function findReleaseOf(
  repository: Repository,
  version: string,
  isSigned: AskSigned,
  isWanted: (release: Release) => boolean = () => true,
): Promise<Release | undefined> {
  const counters = await countersOf(repository);
  for (let start = 0; start < counters.length; start += concurrent) {
    if (start >= maxForeignEntries) throw tooManyForVersion(repository, version, counters.length);
    const batch = counters.slice(start, start + concurrent);
    const read = await Promise.all(
      batch.map(async (counter) =>
        readTaggedRelease(
          repository,
          counter,
          async (index, release) =>
            release?.version === version && isWanted(release) && (await isSigned(index, release)),
        ),
      ),
    );
    for (const tagged of read) if (tagged?.kind === 'trusted') return tagged.release;
  }
  return undefined;
}

function conflict(repository: Repository, counter: number, taken: TaggedRelease): AmlpromoteError {
  const where = `${repository.name}:${tags.release(counter)}`;
  return taken.kind === 'trusted'
    ? new AmlpromoteError(
        'TAG_CONFLICT',
        `${where} is another release already (${taken.release.index.digest}): other content needs another counter`,
        {
          nextSteps: [
            'Use a higher `release` in the image manifest, or leave it out: then it is the next one.',
          ],
        },
      )
    : new AmlpromoteError(
        'TAG_CONFLICT',
        `${where} is taken by something that no signer of this policy has signed`,
        {
          nextSteps: [
            'Use another `release` in the image manifest, or leave it out: then the tag is passed by.',
            'Or delete the tag, once it is known who set it.',
          ],
        },
      );
}

function usedUp(repository: Repository, highest: Release | undefined): AmlpromoteError {
  const last = highest ? ` (${highest.name} ${highest.version} is release ${highest.release})` : '';
  return new AmlpromoteError(
    'TAG_CONFLICT',
    `${repository.name} has no release counter left: ${maxCounter} is the highest there is${last}`,
    {
      nextSteps: [
        'Release into another repository: counters are per repository, and inside never goes back.',
        'If nobody meant to use so high a counter, find out who signed that release.',
      ],
    },
  );
}

const tooMany = (repository: Repository, count: number): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `${repository.name} has ${count} release tags, and the ${maxForeignEntries} highest are no signed releases: the highest counter cannot be told`,
    {
      nextSteps: [
        'Delete the release tags that no trusted signer has signed, and find out who sets them.',
        'Or name a counter yourself with `release` in the image manifest, higher than any that was released.',
      ],
    },
  );

const tooManyForVersion = (repository: Repository, version: string, count: number): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `${repository.name} has ${count} release tags, and ${version} is none of the ${maxForeignEntries} highest: whether it was released cannot be told`,
    {
      nextSteps: [
        'Delete the release tags that no trusted signer has signed, and find out who sets them.',
        'Or release into another repository: counters and versions are per repository.',
      ],
    },
  );
