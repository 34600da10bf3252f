import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError, isInconclusive, isRefusal } from '../domain/errors.ts';
import { decide } from '../domain/verdict.ts';
import type { ReasonCode } from '../domain/verdict.ts';
import type { ImageSpec } from '../manifest/image.ts';
import type { Zones } from '../manifest/zones.ts';
import type { Store } from '../oci/store/store.ts';
import { evaluateManifest } from '../policy/image.ts';
import type { ContentReader } from '../ports/content.ts';
import type { Engine } from '../ports/engine.ts';
import type { Scanner } from '../ports/scanner.ts';
import type { Seal } from '../ports/seal.ts';
import { build, findBuilt } from '../steps/build.ts';
import type { BuildPorts, BuildReport } from '../steps/build.ts';
import { publish } from '../steps/publish.ts';
import type { PublishReport } from '../steps/publish.ts';
import { readPublished } from '../steps/published.ts';
import type { PublishedEvidence } from '../steps/published.ts';
import type { ReleaseReport } from '../steps/release.ts';
import { findReleaseOf } from '../steps/release/counter.ts';
import { scan } from '../steps/scan.ts';
import type { ScanStepReport } from '../steps/scan.ts';
import { evidenceOf, sign } from '../steps/sign.ts';
import type { SignReport } from '../steps/sign.ts';
import { readPlatforms } from '../steps/verify/image.ts';
import { requireDecision } from '../steps/verify/require.ts';
import { signedUnder } from '../steps/verify/tagged-release.ts';
import { releaseImage } from './outside-release.ts';
import type { OutsideReleasePorts } from './outside-release.ts';
import { outsideStatus } from './status.ts';
import type { OutsideStatus, StatusSubject } from './status.ts';
import { createVerifier } from './verify.ts';
import type { RepositoryImage, Verifier, VerifierPorts } from './verify.ts';

/** What the non-sensitive side has. Parts are opened when a step needs them: `scan` of what is in the store needs no engine. */
export interface OutsidePorts extends OutsideReleasePorts, VerifierPorts {
  readonly store: () => Promise<Store>;
  readonly engine: () => Promise<Engine>;
  readonly scanner: () => Promise<Scanner>;
  /** Of this machine. */
  readonly seal: () => Promise<Seal>;
  /** See `BuildPorts.cache`. */
  readonly cache?: string | undefined;
  /** Registries that existing images are taken from. */
  readonly sources: BuildPorts['sources'];
  readonly git: BuildPorts['git'];
  readonly identity: string;
  readonly sourceDateEpoch: number | undefined;
  /** See `SignPorts.formats`. */
  readonly formats?: '0.1' | undefined;
}

/** An image of this side: in the store, in the registry, or both. */
export interface OutsideImage extends RepositoryImage {
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
export interface Outside extends Verifier {
  /** That there is a policy, with its certificates: without one nothing is allowed. @throws POLICY_MISSING, MANIFEST_INVALID */
  requirePolicy(): Promise<void>;
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
  /** Reads only, and asks for no policy. */
  status(about: StatusSubject): Promise<OutsideStatus>;
}

const nameOf = ({ repository, image }: OutsideImage): string => `${repository}@${image.digest}`;

export function createOutside(zones: Zones, ports: OutsidePorts): Outside {
  const { clock, progress, signal } = ports;
  const context = { clock, progress, signal };

  const doSign = async ({ repository, image }: OutsideImage): Promise<SignReport> =>
    await sign(
      { repository, image, trust: await ports.trust() },
      {
        target: (await ports.registry()).repository(repository),
        store: await ports.store(),
        seal: await ports.seal(),
        rescan: async (platform) => await scanPlatform({ repository, image }, platform),
        signer: await ports.signer(),
        formats: ports.formats,
        ...context,
      },
    );

  /** What the registry has about an image, and this zone's policy believes. */
  const published = async ({ repository, image }: OutsideImage): Promise<PublishedEvidence> =>
    await readPublished(
      (await ports.registry()).repository(repository),
      image,
      await ports.trust(),
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
        const isSigned = signedUnder(content, await ports.trust(), clock.now());
        return await unlessUnreachable(async () => await findReleaseOf(content, version, isSigned));
      },
      publishedFacts: async (repository, image) =>
        (await (await published({ repository, image })).provenance())?.value,
      sources: ports.sources,
      requireSource: async (content, image) => await requireShown(content, image, image.digest),
      git: ports.git,
      ...context,
      identity: ports.identity,
      sourceDateEpoch: ports.sourceDateEpoch,
    };
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
    const { policy } = await ports.trust();
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
      ...context,
    };
    const { policy } = await ports.trust();
    return await scan({ repository: subject.repository, image, policy }, scanPorts);
  };

  return {
    ...createVerifier(zones, false, ports),
    requirePolicy: async () => {
      await ports.trust();
    },
    requireKey: async () => {
      await ports.signer();
    },
    build: async (spec, options = {}) =>
      await build({ spec, rebuild: options.rebuild ?? false }, await buildPorts()),
    lookUp: async (spec) => {
      const found = await findBuilt(spec, await buildPorts(), { pull: false });
      return found && { repository: spec.repository, ...found };
    },
    find: async (spec) => {
      const found = await findBuilt(spec, await buildPorts(), { pull: true });
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
      await publish(image, { store: await ports.store(), registry: await ports.registry(), ...context }),
    sign: async (subject) => {
      // What would be refused at the end of a scan is not scanned for it.
      await requireShown(await contentOf(subject), subject.image, nameOf(subject));
      return await doSign(subject);
    },
    release: async (spec, image, signed) => {
      const { signatures } = signed ?? (await doSign(image));
      return await releaseImage(spec, image.image, evidenceOf({ signatures }), ports);
    },
    status: async (about) => await outsideStatus(about, await ports.registry()),
  };
}

/** The registry only saves work here: whether it can be reached is for publish to say, and junk in it stops nobody. */
async function unlessUnreachable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isInconclusive(error) || isRefusal(error)) return undefined;
    throw error;
  }
}
