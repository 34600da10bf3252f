import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { releaseCounterOf, tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import type { Reason } from '../../domain/verdict.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import { isAdmitted } from '../../evidence/record-receipt.ts';
import { highestRelease, readReceipts } from '../../evidence/receipts.ts';
import type { Receipt } from '../../evidence/receipts.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { Repository } from '../../ports/content.ts';
import { newestIndex } from './newest-index.ts';
import type { Finding } from './report.ts';
import { readTaggedRelease, signedUnder } from './tagged-release.ts';

/** The final repository: its receipts and its release tags say what was admitted. */
export type AdmittingRepository = Omit<Repository, 'hasBlob' | 'pushBlob' | 'pushManifest'>;

/** What the rule has to know of a release; release.json tells as much as the index. */
export type CountedRelease = Pick<Release, 'name' | 'version' | 'release'> & {
  readonly index: { readonly digest: Digest };
};

/**
 * Threat 8. The receipts of the final repository say which counter was admitted last; a lower one is refused unless the policy
 * allows it. A counter names one index for ever: a second one is refused, policy or not (threat 47). The list of receipts is
 * for anybody to change who may push, so the release tags, which import locks, are a second witness: what they say beyond it
 * leaves the question open (threat 46).
 * @param repository the final repository; undefined in a zone that admits nothing (outside)
 * @throws INCONCLUSIVE when receipts or tags cannot be read or judged
 */
export async function checkRollback(
  repository: AdmittingRepository | undefined,
  release: CountedRelease,
  trust: Trust,
  now: Date,
): Promise<Finding<never>> {
  if (!repository)
    return { sentence: 'Not asked here: only a zone that admits releases knows what was admitted before.' };
  if (trust.receipts.length === 0)
    return { sentence: 'Not asked: the policy believes no receipts (trust.receipts), so none were read.' };
  // The tags first: an import lists its receipt before it tags, so what is tagged now is listed afterwards.
  const tagged = (await repository.tags()).flatMap((tag) => releaseCounterOf(tag) ?? []);
  const seen = await readReceipts(repository, trust.receipts, Infinity);
  const highest = highestRelease(seen);
  const evidence = seen
    .filter((receipt) => receipt.release.release === highest)
    .map(({ descriptor }) => descriptor.digest);
  const reasons = [
    ...(await contradictions(repository, tagged, highest, trust, now)),
    ...goesBack(release, highest, trust),
    ...(await secondIndex(repository, seen, release, trust, now)),
  ];
  return { evidence, reasons };
}

function goesBack(release: CountedRelease, highest: number, trust: Trust): readonly Reason[] {
  if (release.release >= highest) return [];
  const allowed = trust.policy.trust.allowRollback;
  return [
    {
      code: 'ROLLBACK',
      verdict: allowed ? 'allowed' : 'refused',
      subject: `${release.name} ${release.version}`,
      detail: `release ${release.release} is older than release ${highest}, which was admitted here${allowed ? '; the policy allows that' : ''}`,
    },
  ];
}

/** Receipts are written before tags, and repeat the highest counter: a signed release beyond it has lost its receipt, or never had one. */
async function contradictions(
  repository: AdmittingRepository,
  tagged: readonly number[],
  highest: number,
  trust: Trust,
  now: Date,
): Promise<readonly Reason[]> {
  const beyond = tagged.filter((counter) => counter > highest).sort((a, b) => b - a);
  if (beyond.length > maxForeignEntries) {
    throw new AmlpromoteError(
      'INCONCLUSIVE',
      `${repository.name} has ${beyond.length} release tags beyond release ${highest}, more than the ${maxForeignEntries} that are judged`,
      {
        nextSteps: [
          'Delete the release tags that amlpromote did not set (they are not locked), and find out who sets them.',
        ],
      },
    );
  }
  const isSigned = signedUnder(repository, trust, now);
  for (const counter of beyond) {
    const there = await readTaggedRelease(repository, counter, isSigned);
    // Certificates of signers expire and are changed; a receipt that is attached says the same for ever.
    const counts = there?.kind === 'trusted' || (await isAdmitted(repository, counter, trust.receipts));
    if (!counts) continue;
    const detail = `it names a signed release, but the receipts that are listed end at release ${highest}: if release ${counter} was admitted, the list was shortened; import exactly that release again, and its receipt is listed again. If it never was, delete the tag`;
    const subject = `${repository.name}:${tags.release(counter)}`;
    return [{ code: 'CONTRADICTION', verdict: 'inconclusive', subject, detail }];
  }
  return [];
}

/** Which index a counter names, by what was admitted under it. */
async function secondIndex(
  repository: AdmittingRepository,
  seen: readonly Receipt[],
  release: CountedRelease,
  trust: Trust,
  now: Date,
): Promise<readonly Reason[]> {
  const admitted = new Set(
    seen
      .filter((receipt) => receipt.result === 'PASSED' && receipt.release.release === release.release)
      .map((receipt) => receipt.release.index),
  );
  const [first, ...more] = admitted;
  if (first === undefined) return [];
  // Version 0.1.0 admitted fresh evidence under the same counter.
  const named = more.length === 0 ? first : await newestIndex(repository, [...admitted], trust, now);
  if (named === release.index.digest) return [];
  return [
    {
      code: 'COUNTER_TAKEN',
      verdict: 'refused',
      subject: `${release.name} ${release.version}`,
      detail: `${tags.release(release.release)} of this repository is ${named}, not ${release.index.digest}: a counter names one index`,
    },
  ];
}
