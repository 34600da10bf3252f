import type { BuildFacts } from '../domain/build.ts';
import { hasRoles } from '../domain/build.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { predicateTypes } from '../domain/media-types.ts';
import type { Release } from '../domain/release.ts';
import type { AttestationRequest } from '../evidence/attestation.ts';
import { provenancePredicate } from '../evidence/predicates/provenance.ts';
import { sbomPredicate } from '../evidence/predicates/sbom.ts';
import { scanPredicate } from '../evidence/predicates/scan.ts';
import type { Trust } from '../evidence/trust.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { Seal } from '../ports/seal.ts';
import type { Signer } from '../ports/signer.ts';
import type { StepContext } from '../ports/step-context.ts';
import { hasBuildFacts, readBuildFacts } from './build/facts.ts';
import { readPublished } from './published.ts';
import type { ScanResult } from './scan-result.ts';
import { hasScanResult, readScanResult } from './scan-result.ts';
import { attachAttestation, attachSignature } from './sign/attach.ts';
import type { AttachPorts, Attached } from './sign/attach.ts';
import { requireAdmissible, requireTrustedSigner } from './sign/gate.ts';
import type { ScannedPlatform } from './sign/gate.ts';
import { trustedSignatures } from './sign/trusted.ts';
import { step } from './step.ts';
import { readPlatforms } from './verify/image.ts';

export interface SignInput {
  readonly repository: string;
  /** A manifest, or an index of platforms. */
  readonly image: Descriptor;
  readonly trust: Trust;
}

export interface SignPorts extends StepContext {
  /** The staging repository of the non-sensitive registry; the image is there. */
  readonly target: Repository;
  /** Holds the scan result and the build facts. */
  readonly store: Registry;
  /** Of this machine: only what it scanned and built itself is signed. */
  readonly seal: Seal;
  /** Scans one platform again, and stores the result: for one whose stored result is not of this machine. */
  readonly rescan: (image: Descriptor) => Promise<unknown>;
  readonly signer: Signer;
  /** Write evidence as this version of amlpromote reads it; by default in the newest form. */
  readonly formats?: '0.1' | undefined;
}

export interface SignReport {
  readonly image: Descriptor;
  /** What vouches for the image now, in a fixed order. */
  readonly signatures: readonly Attached[];
  readonly already: boolean;
}

/** What `release` lists. */
export const evidenceOf = (report: Pick<SignReport, 'signatures'>): Release['evidence'] =>
  report.signatures.map(({ role, digest, mediaType, size }) => ({
    role,
    descriptor: { mediaType, digest, size },
  }));

/**
 * Vouches for an image that passed this zone's gate: a Notary Project signature, and for SBOM, scan and provenance one DSSE
 * attestation each, attached as referrers. Signing again with the same key over the same content finds everything done.
 * @throws NOT_FOUND when image, scan or build facts are missing; POLICY_REFUSED, INCONCLUSIVE; KEY_MISSING for a key that the
 * policy does not trust; and what registry and signer throw
 */
export async function sign(input: SignInput, ports: SignPorts): Promise<SignReport> {
  return await step(
    ports,
    'sign',
    `${ports.target.name}@${input.image.digest}`,
    async () => await vouchFor(input, ports),
    ({ already, signatures }) => ({ already, detail: `${signatures.length} signatures and attestations` }),
  );
}

async function vouchFor(input: SignInput, ports: SignPorts): Promise<SignReport> {
  const { image, repository, trust } = input;
  const { target, clock, signal } = ports;
  const subject = `${target.name}@${image.digest}`;
  await requireTrustedSigner(ports.signer, trust, clock.now());
  const published = await target.resolve(image.digest);
  if (!published) throw notFound(`${subject} is not in the registry`, 'Run amlpromote publish first.');
  const facts = await factsOf(ports, input);
  const platforms = await scannedPlatforms(ports, repository, image);
  requireAdmissible({ image, platforms, build: toState(facts) }, trust.policy, clock.now(), subject);

  const signatures: Attached[] = [];
  const others = await othersOf(ports, input);
  let own: Promise<unknown> | undefined;
  const vouch = async (): Promise<unknown> => await (own ??= attachSignature(ports, image));
  for (const attach of planned(input, { ...ports, ...others, vouch }, platforms, facts)) {
    signal?.throwIfAborted();
    signatures.push(await attach());
  }
  return { image, signatures, already: signatures.every((one) => one.already) };
}

/** Who else of the policy's signers vouches for this image: what they have stated need not be stated again. */
async function othersOf(
  { target, clock }: Pick<SignPorts, 'target' | 'clock'>,
  { image, trust }: SignInput,
): Promise<Pick<AttachPorts, 'trust' | 'vouching'>> {
  const signed = await trustedSignatures({ content: target, subject: image, trust, now: clock.now() });
  return { trust, vouching: signed.map(({ value }) => value.leaf) };
}

function planned(
  { repository, image }: SignInput,
  ports: AttachPorts & Pick<SignPorts, 'formats'>,
  platforms: readonly ScannedPlatform[],
  facts: BuildFacts,
): readonly (() => Promise<Attached>)[] {
  const name = repository;
  return [
    () => attachSignature(ports, image),
    ...platforms.flatMap(({ platform: { descriptor }, scan }) => [
      () =>
        attachAttestation(ports, 'sbom', {
          subject: descriptor,
          name,
          predicateType: predicateTypes.sbom,
          predicate: sbomPredicate(scan.sbom, `SBOM of ${descriptor.digest}`),
        }),
      () =>
        attachAttestation(ports, 'scan', {
          subject: descriptor,
          name,
          predicateType: predicateTypes.scan,
          predicate: scanPredicate(scan.report),
        }),
    ]),
    () => {
      const request = (stated: BuildFacts): AttestationRequest => ({
        subject: image,
        name,
        predicateType: predicateTypes.provenance,
        predicate: provenancePredicate(stated, ...(ports.formats === '0.1' ? [1 as const] : [])),
      });
      const stated = toState(facts);
      const earlier = stated === facts ? undefined : request(facts);
      return attachAttestation(ports, 'provenance', request(stated), earlier);
    },
  ];
}

/**
 * Version 0.1.0 recorded the value of every build argument, and none as public: they are not stated (any more), nor that
 * there were none. What was published by then is found as it is.
 */
function toState(facts: BuildFacts): BuildFacts {
  const { args, ...rest } = facts;
  const isFine = hasRoles(facts) || args === undefined || Object.keys(args).length === 0;
  return isFine ? facts : rest;
}

async function scannedPlatforms(
  ports: SignPorts,
  repository: string,
  image: Descriptor,
): Promise<readonly ScannedPlatform[]> {
  const scanned: ScannedPlatform[] = [];
  for (const platform of await readPlatforms(ports.target, image)) {
    scanned.push({ platform, scan: await scanOf(ports, repository, platform.descriptor) });
  }
  return scanned;
}

async function scanOf(
  { store, seal, rescan, progress }: SignPorts,
  repository: string,
  image: Descriptor,
): Promise<ScanResult> {
  const subject = `${repository}@${image.digest}`;
  const stored = await readScanResult(store, repository, image.digest, seal);
  if (stored) return stored;
  if (!(await hasScanResult(store, repository, image.digest)))
    throw notFound(`${subject} has no scan result in the store`, 'Run amlpromote scan first.');
  progress({
    type: 'note',
    step: 'sign',
    message: `the scan result of ${subject} was not made on this machine, or was changed: it is scanned again`,
  });
  await rescan(image);
  const again = await readScanResult(store, repository, image.digest, seal);
  if (again) return again;
  throw notFound(`${subject} has no scan result of this machine in the store`, 'Run amlpromote scan first.');
}

/** What this machine recorded, else what is published by a key that the policy trusts. */
async function factsOf(
  { store, seal, target, clock }: SignPorts,
  { repository, image, trust }: SignInput,
): Promise<BuildFacts> {
  const { digest } = image;
  const facts =
    (await readBuildFacts(store, repository, digest, seal)) ??
    (await (await readPublished(target, image, trust, clock.now())).provenance())?.value;
  if (facts) return facts;
  if (await hasBuildFacts(store, repository, digest)) {
    throw new AmlpromoteError(
      'INCONCLUSIVE',
      `the build facts of ${repository}@${digest} were not made on this machine, or were changed`,
      {
        nextSteps: [
          'Run amlpromote build again on this machine (with --rebuild to build even if the registry has it), then publish and sign what it gives.',
        ],
      },
    );
  }
  throw notFound(
    `nothing in the store tells how ${repository}@${digest} was made`,
    'Run amlpromote build first: it records what it did, also when the image is there already.',
  );
}

const notFound = (message: string, step: string): AmlpromoteError =>
  new AmlpromoteError('NOT_FOUND', message, { nextSteps: [step] });

export interface IndexSignature {
  /** Digests of the manifests that sign the index, for release.json. */
  readonly signatures: readonly Digest[];
  readonly already: boolean;
}

/** Signs a release index in its repository; an existing valid signature by this signer is used again. */
export async function signIndex(ports: AttachPorts, index: Descriptor): Promise<IndexSignature> {
  const { digest, already } = await attachSignature(ports, index);
  return { signatures: [digest], already };
}
