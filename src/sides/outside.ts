import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError, isInconclusive, isRefusal } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import type { Release } from '../domain/release.ts';
import { decide } from '../domain/verdict.ts';
import type { ReasonCode } from '../domain/verdict.ts';
import { loadTrust } from '../evidence/trust.ts';
import type { ImageSpec } from '../manifest/image.ts';
import type { Policy } from '../manifest/policy.ts';
import type { Store } from '../oci/store/store.ts';
import { evaluateManifest } from '../policy/image.ts';
import { evaluateScan } from '../policy/scan.ts';
import type { Clock } from '../ports/clock.ts';
import type { Registry } from '../ports/content.ts';
import type { ContentReader } from '../ports/content.ts';
import type { Engine } from '../ports/engine.ts';
import type { Locks } from '../ports/importer.ts';
import type { Scanner } from '../ports/scanner.ts';
import type { Seal } from '../ports/seal.ts';
import type { Signer } from '../ports/signer.ts';
import { build, findBuilt } from '../steps/build.ts';
import type { BuildPorts, BuildReport } from '../steps/build.ts';
import { publish } from '../steps/publish.ts';
import type { PublishReport } from '../steps/publish.ts';
import { readPublished } from '../steps/published.ts';
import type { PublishedEvidence } from '../steps/published.ts';
import { release } from '../steps/release.ts';
import type { ReleaseReport } from '../steps/release.ts';
import { carriedOf } from '../steps/release/carried.ts';
import { findReleaseOf } from '../steps/release/counter.ts';
import { gatherEvidence } from '../steps/release/gather.ts';
import { requireSoleVersion, requireStillSole } from '../steps/release/sole-version.ts';
import { scan } from '../steps/scan.ts';
import type { ScanStepReport } from '../steps/scan.ts';
import { sign, signIndex } from '../steps/sign.ts';
import { evidenceOf } from '../steps/sign.ts';
import type { SignReport } from '../steps/sign.ts';
import { readPlatforms } from '../steps/verify/image.ts';
import { requireDecision } from '../steps/verify/require.ts';
import { signedUnder } from '../steps/verify/tagged-release.ts';

/** What the non-sensitive side has. Parts are opened when a step needs them: `scan` of what is in the store needs no engine. */
export interface OutsidePorts {
  readonly store: () => Promise<Store>;
  /** The non-sensitive registry. */
  readonly registry: () => Promise<Registry>;
  readonly engine: () => Promise<Engine>;
  readonly scanner: () => Promise<Scanner>;
  /** Of this machine. */
  readonly seal: () => Promise<Seal>;
  /** See `BuildPorts.cache`. */
  readonly cache?: string | undefined;
  /** The release key. */
  readonly signer: () => Promise<Signer>;
  readonly clock: Clock;
  readonly progress: Progress;
  /** Registries that existing images are taken from. */
  readonly sources: BuildPorts['sources'];
  readonly git: BuildPorts['git'];
  readonly identity: string;
  readonly sourceDateEpoch: number | undefined;
  /** See `SignPorts.formats`. */
  readonly formats?: '0.1' | undefined;
  /** Of the non-sensitive registry, for its release tags. */
  readonly locks: () => Promise<Pick<Locks, 'lockTag'>>;
  readonly signal?: AbortSignal;
}

/** An image of this side: in the store, in the registry, or both. */
export interface OutsideImage {
  readonly repository: string;
  readonly image: Descriptor;
  /** sha256 hex, where the image was built here. */
  readonly buildKey?: string;
}

/** One report per platform of the image. */
export interface ScanReports {
  readonly image: Descriptor;
  readonly repository: string;
  readonly platforms: readonly ScanStepReport[];
}

/** The steps of the non-sensitive side. */
export interface Outside {
  /** That there is a release key to sign with, before anything is built for it. @throws KEY_MISSING */
  requireKey(): Promise<void>;
  build(spec: ImageSpec, options?: { readonly rebuild?: boolean }): Promise<BuildReport>;
  /** What the image itself shows (platform, size, user), before an hour is spent on it. @throws POLICY_REFUSED */
  requireImage(image: OutsideImage): Promise<void>;
  /** What was built from this manifest before. @throws NOT_FOUND */
  find(spec: ImageSpec): Promise<OutsideImage>;
  /** The same without fetching anything: undefined = not built. @throws an inconclusive error where that cannot be told */
  lookUp(spec: ImageSpec): Promise<OutsideImage | undefined>;
  scan(image: OutsideImage): Promise<ScanReports>;
  publish(image: OutsideImage): Promise<PublishReport>;
  sign(image: OutsideImage): Promise<SignReport>;
  /**
   * Lists the newest trusted evidence that is attached, whoever made it. `signed`: what `sign` has just reported; without it, what
   * is missing is made by signing again.
   */
  release(spec: ImageSpec, image: OutsideImage, signed?: SignReport): Promise<ReleaseReport>;
}

const nameOf = ({ repository, image }: OutsideImage): string => `${repository}@${image.digest}`;

export function createOutside(policy: Policy, ports: OutsidePorts): Outside {
  const { clock, progress, signal } = ports;

  const doSign = async ({ repository, image }: OutsideImage): Promise<SignReport> =>
    await sign(
      { repository, image },
      {
        target: (await ports.registry()).repository(repository),
        store: await ports.store(),
        seal: await ports.seal(),
        rescan: async (platform) => await scanPlatform({ repository, image }, platform),
        signer: await ports.signer(),
        formats: ports.formats,
        clock,
        progress,
      },
      policy,
      signal,
    );

  /** What the registry has about an image, and this zone's policy believes. */
  const published = async ({ repository, image }: OutsideImage): Promise<PublishedEvidence> =>
    await readPublished(
      (await ports.registry()).repository(repository),
      image,
      await loadTrust(policy),
      clock.now(),
    );

  const buildPorts = async (): Promise<BuildPorts> => {
    const registry = await ports.registry();
    return {
      engine: ports.engine,
      store: await ports.store(),
      seal: await ports.seal(),
      cache: ports.cache,
      published: registry,
      // Whoever may push could have put an image under a build tag: only one whose making a trusted key has stated saves a build.
      // What was found in it, and how long ago, is for scan and sign to judge: building it again would not make it another.
      vouch: async (repository, image) => {
        const evidence = await published({ repository, image });
        return evidence.isSigned && (await evidence.provenance()) !== undefined;
      },
      released: async (repository, version) => {
        const content = registry.repository(repository);
        const isSigned = signedUnder(content, await loadTrust(policy), clock.now());
        return await unlessUnreachable(async () => await findReleaseOf(content, version, isSigned));
      },
      publishedFacts: async (repository, image) =>
        (await (await published({ repository, image })).provenance())?.value,
      sources: ports.sources,
      requireSource: async (content, image) => await requireShown(content, image, image.digest),
      git: ports.git,
      clock,
      progress,
      identity: ports.identity,
      sourceDateEpoch: ports.sourceDateEpoch,
    };
  };

  /** False where this registry has no locks, or they are not this identity's to set. */
  const lockIfPossible = async (repository: string, tag: string): Promise<boolean> => {
    try {
      await (await ports.locks()).lockTag(repository, tag);
      return true;
    } catch (error) {
      if (!(error instanceof AmlpromoteError) || !withoutLocks.has(error.code)) throw error;
      const message = `${repository}:${tag} is not locked (${error.code}): runners that release at the same time are told apart by reading back`;
      progress({ type: 'note', step: 'release', message });
      return false;
    }
  };

  /**
   * What of an image's evidence a release lists, if this zone's policy admits what it says: the newest scan may be another
   * machine's, and know more than the one that `sign` has judged.
   * @throws POLICY_REFUSED, INCONCLUSIVE
   */
  const gathered = async (
    { repository, image }: OutsideImage,
    attached: Release['evidence'],
  ): Promise<Release['evidence']> => {
    const content = (await ports.registry()).repository(repository);
    const now = clock.now();
    const trust = await loadTrust(policy);
    const { evidence, scans } = await gatherEvidence({ content, image, attached, trust, now });
    requireDecision(
      decide(scans.flatMap((report) => evaluateScan(report, policy, now).reasons)),
      `${repository}@${image.digest}, by the newest scan that is attached to it,`,
      [],
    );
    return evidence;
  };

  /** Where the bytes are: the store first, for nothing travels then. */
  const contentOf = async ({ repository, image }: OutsideImage): Promise<ContentReader> => {
    const local = (await ports.store()).repository(repository);
    if (await local.resolve(image.digest)) return local;
    return (await ports.registry()).repository(repository);
  };

  /**
   * What manifest and config show, judged before any layer is fetched or read; `codes`: of these only, where the rest is for
   * a later step to say.
   */
  const requireShown = async (
    content: ContentReader,
    image: Descriptor,
    subject: string,
    codes?: readonly ReasonCode[],
  ): Promise<void> => {
    const reasons = (await readPlatforms(content, image)).flatMap(
      ({ facts }) => evaluateManifest(facts, policy).reasons,
    );
    requireDecision(decide(reasons.filter(({ code }) => codes?.includes(code) ?? true)), subject, []);
  };

  const scanPlatform = async (subject: OutsideImage, image: Descriptor): Promise<ScanStepReport> => {
    const scanPorts = {
      content: await contentOf(subject),
      store: await ports.store(),
      seal: await ports.seal(),
      scanner: await ports.scanner(),
      published: async (platform: Descriptor) =>
        await unlessUnreachable(async () => {
          const evidence = await published(subject);
          // One of several signers that the policy wants is not to state as its own what another one has seen.
          return evidence.isSigned ? (await evidence.scanOf(platform))?.value : undefined;
        }),
      clock,
      progress,
    };
    return await scan({ repository: subject.repository, image }, scanPorts, policy, signal);
  };

  return {
    requireKey: async () => {
      await ports.signer();
    },
    build: async (spec, options = {}) =>
      await build({ spec, rebuild: options.rebuild ?? false }, await buildPorts(), signal),
    lookUp: async (spec) => {
      const found = await findBuilt(spec, await buildPorts(), { pull: false, signal });
      return found && { repository: spec.repository, ...found };
    },
    find: async (spec) => {
      const found = await findBuilt(spec, await buildPorts(), { pull: true, signal });
      if (found) return { repository: spec.repository, ...found };
      throw new AmlpromoteError(
        'NOT_FOUND',
        `${spec.name} has not been built from what ${spec.file} names now`,
        {
          nextSteps: ['Run amlpromote build first.'],
        },
      );
    },
    requireImage: async (subject) =>
      await requireShown(await contentOf(subject), subject.image, nameOf(subject)),
    scan: async (subject) => {
      const content = await contentOf(subject);
      const { image, repository } = subject;
      await requireShown(content, image, nameOf(subject), ['IMAGE_SIZE']);
      const platforms: ScanStepReport[] = [];
      for (const { descriptor } of await readPlatforms(content, image)) {
        platforms.push(await scanPlatform(subject, descriptor));
      }
      return { image, repository, platforms };
    },
    publish: async (image) =>
      await publish(
        image,
        { store: await ports.store(), registry: await ports.registry(), clock, progress },
        signal,
      ),
    sign: async (subject) => {
      // What would be refused at the end of a scan is not scanned for it.
      await requireShown(await contentOf(subject), subject.image, nameOf(subject));
      return await doSign(subject);
    },
    release: async (spec, image, signed) => {
      const { signatures } = signed ?? (await doSign(image));
      const trust = await loadTrust(policy);
      const registry = await ports.registry();
      const target = registry.repository(spec.repository);
      const signer = await ports.signer();
      const carried = await carriedOf(spec, image.image.digest);
      const { name, version } = carried.manifest;
      const isSigned = signedUnder(target, trust, clock.now());
      const claimed = (counter: number) => ({ name, version, image: image.image.digest, counter });
      return await release(
        {
          image: image.image,
          carried,
          counter: spec.release,
          evidence: await gathered(image, evidenceOf({ signatures })),
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
          lockTag: (tag) => lockIfPossible(spec.repository, tag),
          clock,
          progress,
        },
      );
    },
  };
}

const withoutLocks: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'NOT_FOUND', 'UNSUPPORTED']);

/** The registry only saves work here: whether it can be reached is for publish to say, and junk in it stops nobody. */
async function unlessUnreachable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isInconclusive(error) || isRefusal(error)) return undefined;
    throw error;
  }
}
