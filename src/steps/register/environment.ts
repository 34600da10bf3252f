import { shortHex } from '../../domain/digest.ts';
import { formatReference } from '../../domain/reference.ts';
import type { EnvironmentRequest } from '../../ports/workspace.ts';
import type { VerifiedRelease } from '../verify.ts';

/** The environment version that a release becomes. `version: auto` is the image's digest. */
export function environmentOf(verified: VerifiedRelease): EnvironmentRequest {
  const { release, image, carried, policyDigest } = verified;
  const { description, tags } = carried.environment;
  return {
    name: release.name,
    version: release.version === 'auto' ? shortHex(image.digest) : release.version,
    image: formatReference({ host: verified.host, repository: verified.repository, digest: image.digest }),
    ...(description === undefined ? {} : { description }),
    // Ours last: what a data scientist writes must not look like evidence.
    tags: {
      ...tags,
      'amlpromote.digest': image.digest,
      'amlpromote.release': `${release.name} ${release.version} (${release.release})`,
      'amlpromote.policy': policyDigest,
    },
    // Tags may be edited later; properties may only be added to.
    properties: {
      'amlpromote.image.digest': image.digest,
      'amlpromote.release.name': release.name,
      'amlpromote.release.version': release.version,
      'amlpromote.release.counter': String(release.release),
      'amlpromote.release.index': release.index.digest,
      'amlpromote.policy.digest': policyDigest,
    },
  };
}
