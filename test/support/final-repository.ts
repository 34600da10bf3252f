import type { Digest } from '../../src/domain/digest.ts';
import { silent } from '../../src/domain/events.ts';
import { isIndexType } from '../../src/domain/media-types.ts';
import { releaseCounterOf, tags as reserved } from '../../src/domain/names.ts';
import type { Release, ReleaseDocument } from '../../src/domain/release.ts';
import { parseReleaseIndex } from '../../src/evidence/release-index.ts';
import { readReceipts, receiptsOf } from '../../src/evidence/receipts.ts';
import type { Trust } from '../../src/evidence/trust.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import type { Policy } from '../../src/manifest/policy.ts';
import { parseIndex } from '../../src/oci/manifest.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { verifyRelease } from '../../src/steps/verify.ts';
import type { MemoryRegistry } from './memory-registry.ts';

export interface Zones {
  readonly dev: MemoryRegistry;
  readonly sec: MemoryRegistry;
  readonly clock: Clock;
}

/**
 * What must hold of the final repository at any moment, however and wherever a run ended: every tag stands on a believed receipt
 * and names what verify allows; nothing is there that is neither of a release nor a receipt. Empty when all is well.
 */
export async function violationsOf(zones: Zones, repository: string, policy: Policy): Promise<string[]> {
  const found: string[] = [];
  const final = zones.sec.repository(repository);
  const trust = await loadTrust(policy);
  const listed = await readReceipts(final, trust.receipts);
  const releases = await releasesOf(zones.dev, repository);
  const passed = (release: Release): boolean =>
    listed.some(({ result, release: { index } }) => result === 'PASSED' && index === release.index.digest);

  for (const tag of await final.tags()) {
    if (tag === reserved.receipts) continue;
    const digest = (await final.resolve(tag))?.digest;
    const isRelease = releaseCounterOf(tag) !== undefined;
    const named = releases.filter((release) =>
      isRelease
        ? release.index.digest === digest
        : release.version === tag && release.image.digest === digest,
    );
    const release = named.find(passed);
    if (!release) found.push(`${tag} (${digest ?? 'nothing'}) stands on no receipt`);
    else if (!(await isAllowed(zones, repository, release, trust))) found.push(`verify refuses ${tag}`);
  }

  const known = new Set<Digest>();
  for (const release of releases) {
    const dev = zones.dev.repository(repository);
    const parts = [release.index, release.image, ...release.evidence.map(({ descriptor }) => descriptor)];
    const signatures = await dev.referrers(release.index.digest);
    const receipts = (await receiptsOf(final, release.image.digest, trust.receipts)).map(
      ({ descriptor }) => descriptor,
    );
    for (const { digest } of [...parts, ...signatures, ...receipts]) known.add(digest);
  }
  for (const digest of zones.sec.manifests(repository)) {
    const content = await final.manifest(digest);
    const isList =
      content &&
      isIndexType(content.descriptor.mediaType) &&
      parseIndex(content).manifests.every((one) => known.has(one.digest));
    if (!known.has(digest) && !isList) found.push(`${digest} is neither of a release nor a receipt`);
  }
  return found;
}

async function releasesOf(dev: MemoryRegistry, repository: string): Promise<Release[]> {
  const contents = await Promise.all(
    dev.manifests(repository).map(async (digest) => await dev.repository(repository).manifest(digest)),
  );
  return contents.flatMap((content) =>
    content && isIndexType(content.descriptor.mediaType) ? [parseReleaseIndex(content)] : [],
  );
}

async function isAllowed(
  { dev, sec, clock }: Zones,
  repository: string,
  release: Release,
  trust: Trust,
): Promise<boolean> {
  const { name, version, index } = release;
  const document: ReleaseDocument = {
    apiVersion: 'amlpromote/v1',
    kind: 'Release',
    registry: dev.host,
    repository,
    name,
    version,
    release: release.release,
    index: { digest: index.digest, size: index.size },
    // Those that were admitted are found among the referrers.
    signatures: [],
  };
  const content = sec.repository(repository);
  const { verdict } = await verifyRelease(
    { document, host: sec.host, repository, content, receipts: content, trust },
    { clock, progress: silent },
  );
  return verdict === 'allowed';
}
