import type { Release } from '../../domain/release.ts';
import { highestRelease, readReceipts } from '../../evidence/receipts.ts';
import type { Trust } from '../../evidence/trust.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Finding } from './report.ts';

/**
 * Threat 8. The receipts of the final repository say which counter was admitted last; a lower one is refused unless the policy
 * allows it. The same counter is fine: it is the same image with fresh evidence, or a repeated import.
 * @param receipts the final repository; undefined in a zone that admits nothing (outside)
 */
export async function checkRollback(
  receipts: ContentReader | undefined,
  release: Pick<Release, 'name' | 'version' | 'release'>,
  trust: Trust,
): Promise<Finding<never>> {
  if (!receipts || trust.receipts.length === 0) return {};
  const seen = await readReceipts(receipts, trust.receipts);
  const highest = highestRelease(seen);
  const evidence = seen
    .filter((receipt) => receipt.release.release === highest)
    .map(({ descriptor }) => descriptor.digest);
  if (release.release >= highest) return { evidence };
  const allowed = trust.policy.trust.allowRollback;
  return {
    evidence,
    reasons: [
      {
        code: 'ROLLBACK',
        verdict: allowed ? 'allowed' : 'refused',
        subject: `${release.name} ${release.version}`,
        detail: `release ${release.release} is older than release ${highest}, which was admitted here${allowed ? '; the policy allows that' : ''}`,
      },
    ],
  };
}
