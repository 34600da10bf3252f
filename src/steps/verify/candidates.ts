import type { Descriptor } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import type { Reason } from '../../domain/verdict.ts';
import { checking } from '../../evidence/check.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import type { ContentReader } from '../../ports/content.ts';

export interface Candidates {
  readonly descriptors: readonly Descriptor[];
  /** Why the list may not be all there is; every reason is inconclusive. */
  readonly reasons: readonly Reason[];
}

/**
 * What a registry lists as attached to `subject`. A listing that fails, is malformed or too long does not say "none": what is
 * not found in it is then an open question.
 */
export async function listCandidates(
  content: ContentReader,
  subject: Digest,
  artifactType: string,
  isWanted: (candidate: Descriptor) => boolean = () => true,
): Promise<Candidates> {
  const open = (detail: string): Reason => ({
    code: 'UNREACHABLE',
    verdict: 'inconclusive',
    subject,
    detail,
  });
  const listing = await checking<{ readonly all: readonly Descriptor[] }>(
    subject,
    'UNREACHABLE',
    async () => ({
      verdict: 'allowed',
      all: await content.referrers(subject, artifactType),
    }),
  );
  if (listing.verdict !== 'allowed')
    return { descriptors: [], reasons: listing.reasons.map(({ detail }) => open(detail)) };
  const wanted = listing.all.filter(isWanted);
  if (wanted.length <= maxForeignEntries) return { descriptors: wanted, reasons: [] };
  const detail = `${wanted.length} candidates are attached; only the last ${maxForeignEntries} were looked at`;
  return { descriptors: wanted.slice(-maxForeignEntries), reasons: [open(detail)] };
}
