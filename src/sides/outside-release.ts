import type { Descriptor } from '../domain/descriptor.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Release } from '../domain/release.ts';
import { decide } from '../domain/verdict.ts';
import type { Trust } from '../evidence/trust.ts';
import type { ImageSpec } from '../manifest/image.ts';
import { evaluateScan } from '../policy/scan.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { Locks } from '../ports/importer.ts';
import type { Signer } from '../ports/signer.ts';
import type { StepContext } from '../ports/step-context.ts';
import { release } from '../steps/release.ts';
import type { ReleaseReport } from '../steps/release.ts';
import { carriedOf } from '../steps/release/carried.ts';
import { gatherEvidence } from '../steps/release/gather.ts';
import { requireSoleVersion, requireStillSole } from '../steps/release/sole-version.ts';
import { signIndex } from '../steps/sign.ts';
import { requireDecision } from '../steps/verify/require.ts';
import { signedUnder } from '../steps/verify/tagged-release.ts';

/** What a release needs of the non-sensitive side. */
export interface OutsideReleasePorts extends StepContext {
  /** The non-sensitive registry. */
  readonly registry: () => Promise<Registry>;
  /** The release key. */
  readonly signer: () => Promise<Signer>;
  /** Of the non-sensitive registry, for its release tags. */
  readonly locks: () => Promise<Pick<Locks, 'lockTag'>>;
  /** This zone's policy. */
  readonly trust: () => Promise<Trust>;
}

/**
 * Lists the newest trusted evidence of an image in a signed release, under the next counter.
 * @param attached what this run has just attached
 * @throws POLICY_REFUSED, INCONCLUSIVE, VERSION_CONFLICT, and what `release` throws
 */
export async function releaseImage(
  spec: ImageSpec,
  image: Descriptor,
  attached: Release['evidence'],
  ports: OutsideReleasePorts,
): Promise<ReleaseReport> {
  const { clock, progress, signal } = ports;
  const trust = await ports.trust();
  const registry = await ports.registry();
  const target = registry.repository(spec.repository);
  const signer = await ports.signer();
  const carried = await carriedOf(spec, image.digest);
  const { name, version } = carried.manifest;
  const isSigned = signedUnder(target, trust, clock.now());
  const claimed = (counter: number) => ({ name, version, image: image.digest, counter });
  return await release(
    {
      image,
      carried,
      counter: spec.release,
      evidence: await gathered(target, image, attached, trust, clock.now()),
    },
    {
      host: registry.host,
      target,
      sole: {
        before: (counter) => requireSoleVersion(target, claimed(counter), isSigned, clock),
        after: (counter) => requireStillSole(target, claimed(counter), isSigned),
      },
      isSigned,
      signIndex: (index) => signIndex({ target, signer, clock, progress, trust }, index),
      lockTag: (tag) => lockIfPossible(spec.repository, tag, ports),
      clock,
      progress,
      signal,
    },
  );
}

/**
 * What of an image's evidence a release lists, if this zone's policy admits what it says: the newest scan may be another
 * machine's, and know more than the one that `sign` has judged.
 * @throws POLICY_REFUSED, INCONCLUSIVE
 */
async function gathered(
  content: Repository,
  image: Descriptor,
  attached: Release['evidence'],
  trust: Trust,
  now: Date,
): Promise<Release['evidence']> {
  const { evidence, scans } = await gatherEvidence({ content, image, attached, trust, now });
  requireDecision(
    decide(scans.flatMap((report) => evaluateScan(report, trust.policy, now).reasons)),
    `${content.name}@${image.digest}, by the newest scan that is attached to it,`,
    [],
  );
  return evidence;
}

const withoutLocks: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'NOT_FOUND', 'UNSUPPORTED']);

/** False where this registry has no locks, or they are not this identity's to set. */
async function lockIfPossible(
  repository: string,
  tag: string,
  { locks, progress }: Pick<OutsideReleasePorts, 'locks' | 'progress'>,
): Promise<boolean> {
  try {
    await (await locks()).lockTag(repository, tag);
    return true;
  } catch (error) {
    if (!(error instanceof AmlpromoteError) || !withoutLocks.has(error.code)) throw error;
    const message = `${repository}:${tag} is not locked (${error.code}): runners that release at the same time are told apart by reading back`;
    progress({ type: 'note', step: 'release', message });
    return false;
  }
}
