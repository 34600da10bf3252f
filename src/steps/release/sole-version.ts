import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { releaseCounterOf } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Repository } from '../../ports/content.ts';
import { readIndex } from '../verify/tagged-release.ts';
import type { AskSigned } from '../verify/tagged-release.ts';

export interface VersionClaim {
  readonly name: string;
  readonly version: string;
  readonly image: Digest;
  /** The counter that is claimed for it. */
  readonly counter: number;
}

/** Who runs at the same time is among the newest. */
const maxRivals = 64;
const concurrent = 8;
const looks = 10;

/**
 * Of two runners that release one version with different images at the same time, only one may sign: the one with the lower
 * counter. Both have claimed a counter before they ask, so at least the later one sees the other. It waits for the earlier one to
 * sign; one that does not in some seconds has died, or is junk that anybody could have tagged, and binds nobody.
 * @throws VERSION_CONFLICT, INCONCLUSIVE when signatures cannot be judged; what the registry throws
 */
export async function requireSoleVersion(
  repository: Repository,
  claim: VersionClaim,
  isSigned: AskSigned,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  for (let look = 0; look < looks; look += 1) {
    const rivals = await rivalsOf(repository, claim);
    for (const rival of rivals) if (await isSigned(rival.index)) throw conflict(claim, rival);
    if (!rivals.some(({ release }) => release < claim.counter)) return;
    await clock.sleep(300 + Math.floor(Math.random() * 400));
  }
}

/** The same after signing, where two asked at the same moment: at least one of them is told. */
export async function requireStillSole(
  repository: Repository,
  claim: VersionClaim,
  isSigned: AskSigned,
): Promise<void> {
  for (const rival of await rivalsOf(repository, claim))
    if (await isSigned(rival.index)) throw conflict(claim, rival);
}

/** What is tagged with this version and another image, signed or not. */
async function rivalsOf(repository: Repository, claim: VersionClaim): Promise<readonly Release[]> {
  const counters = (await repository.tags())
    .flatMap((tag) => releaseCounterOf(tag) ?? [])
    .filter((counter) => counter !== claim.counter)
    .sort((a, b) => b - a)
    .slice(0, maxRivals);
  const rivals: Release[] = [];
  for (let start = 0; start < counters.length; start += concurrent) {
    const batch = counters.slice(start, start + concurrent);
    const read = await Promise.all(batch.map(async (counter) => await readIndex(repository, counter)));
    for (const [at, tagged] of read.entries()) {
      if (!tagged || !('index' in tagged)) continue;
      const isIts = tagged.release === batch[at] && tagged.repository === repository.name;
      if (isIts && tagged.version === claim.version && tagged.image.digest !== claim.image)
        rivals.push(tagged);
    }
  }
  return rivals;
}

const conflict = ({ name, version, counter }: VersionClaim, rival: Release): AmlpromoteError =>
  new AmlpromoteError(
    'VERSION_CONFLICT',
    `${name} ${version} is released with another image (${rival.image.digest}, release ${rival.release}): release ${counter} must not be used`,
    { nextSteps: ['A version is never reused: raise `version` in the image manifest and build again.'] },
  );
