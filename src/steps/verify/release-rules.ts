import type { Release, ReleaseDocument } from '../../domain/release.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import type { Reason } from '../../domain/verdict.ts';
import { readCarriedManifest } from '../../evidence/carried-manifest.ts';
import type { CarriedManifest } from '../../evidence/carried-manifest.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import { sameContent } from '../../evidence/referrer.ts';
import type { PolicyRules } from '../../manifest/policy.ts';
import { evaluateApprovals } from '../../policy/approvals.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { Finding } from './report.ts';

const mismatch = (subject: string, detail: string): Reason => ({
  code: 'IDENTITY_MISMATCH',
  verdict: 'refused',
  subject,
  detail,
});

/** Rule `release-index`. An index that is not there was not carried yet (inconclusive); another one is refused. */
export async function checkReleaseIndex(
  content: ContentReader,
  document: ReleaseDocument,
): Promise<Finding<Release>> {
  const { digest, size } = document.index;
  const bytes = await content.manifest(digest);
  if (!bytes) {
    const detail = 'the release index is not there; was the release imported?';
    return { reasons: [{ code: 'UNREACHABLE', verdict: 'inconclusive', subject: digest, detail }] };
  }
  if (bytes.descriptor.size !== size || bytes.descriptor.mediaType !== mediaTypes.ociIndex)
    return { reasons: [mismatch(digest, 'its size or media type is not the one in release.json')] };
  const release = parseReleaseIndex(bytes);
  const differing = (['name', 'version', 'release', 'repository'] as const).filter(
    (key) => release[key] !== document[key],
  );
  if (differing.length > 0) {
    return {
      reasons: differing.map((key) =>
        mismatch(digest, `the ${key} is ${release[key]} in the index, ${document[key]} in release.json`),
      ),
    };
  }
  return { evidence: [digest], value: release };
}

/** Rule `image-manifest`. */
export async function checkCarriedManifest(
  content: ContentReader,
  release: Release,
): Promise<Finding<CarriedManifest>> {
  const [part, ...more] = release.evidence.filter(({ role }) => role === 'image-manifest');
  if (!part || more.length > 0)
    return { reasons: [mismatch(release.index.digest, 'the index must list exactly one image manifest')] };
  const { digest } = part.descriptor;
  const { manifest, subject } = await readCarriedManifest(content, part.descriptor);
  const reasons = (['name', 'version', 'repository'] as const)
    .filter((key) => manifest[key] !== release[key])
    .map((key) => mismatch(digest, `its ${key} is ${manifest[key]}, the release has ${release[key]}`));
  if (!sameContent(subject, release.image)) reasons.push(mismatch(digest, 'it is about another image'));
  return reasons.length > 0 ? { reasons } : { evidence: [digest], value: manifest };
}

/**
 * Rule `approvals`. Where the policy requires none, none are looked at. This version reads no approvals yet: one that is
 * listed leaves the question open, none is a definite no.
 */
export function checkApprovals(release: Release | undefined, policy: PolicyRules): Finding<never> {
  if (policy.approvals.required === 0)
    return { sentence: 'The policy requires no approvals; none were looked at.' };
  const listed = release?.evidence.filter(({ role }) => role === 'approval') ?? [];
  const { reasons } = evaluateApprovals({ approvers: [] }, policy);
  if (listed.length === 0) return { reasons };
  return {
    reasons: reasons.map((reason) => ({
      ...reason,
      verdict: 'inconclusive' as const,
      detail: `${reason.detail}; ${listed.length} listed, which this version cannot judge`,
    })),
    evidence: listed.map(({ descriptor }) => descriptor.digest),
  };
}
