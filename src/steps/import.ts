import { quarantineOf } from '../domain/names.ts';
import type { Digest } from '../domain/digest.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { recordReceipt, relistReceipt } from '../evidence/record-receipt.ts';
import type { Trust } from '../evidence/trust.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { Importer, Locks } from '../ports/importer.ts';
import type { Signer } from '../ports/signer.ts';
import type { StepContext } from '../ports/step-context.ts';
import { checkTags, lockAll, mount, tagRelease } from './import/admit.ts';
import { createCarrier } from './import/carry.ts';
import { claimNames } from './import/claims.ts';
import { listAdmitted } from './import/carried-release.ts';
import type { CarriedRelease } from './import/carried-release.ts';
import { tellingLeftovers } from './import/leftovers.ts';
import { preflight, requireAdmissibleVersion, requireForward } from './import/preflight.ts';
import { requireSigned } from './import/signed-first.ts';
import { step } from './step.ts';
import { requireAllowed } from './verify/require.ts';
import { signedUnder } from './verify/tagged-release.ts';
import type { AskSigned } from './verify/tagged-release.ts';
import { verifyRelease } from './verify.ts';
import type { VerificationReport } from './verify.ts';

export interface ImportInput {
  readonly document: ReleaseDocument;
  /** The inside policy. */
  readonly trust: Trust;
}

export interface ImportPorts extends StepContext {
  /** An approved route. */
  readonly importer: Importer;
  /** The sensitive registry. */
  readonly registry: Registry;
  readonly locks: Locks;
  /** The receipt key. */
  readonly signer: Signer;
  /** Written into receipts. */
  readonly toolVersion: string;
}

export interface ImportReport {
  readonly document: ReleaseDocument;
  readonly release: Release;
  /** `host/repository@sha256:…` */
  readonly reference: string;
  readonly receipt: Digest;
  readonly policyDigest: Digest;
  readonly verification: VerificationReport;
  readonly route: Importer['route'];
  /** Requests that moved something into quarantine. */
  readonly transfers: number;
  readonly already: boolean;
}

/**
 * carry the signatures into quarantine, untagged → verify them under the inside policy → carry index, manifests and blobs → verify
 * all → claim counter and version → mount into the final repository, untagged → receipt → tag → lock. The final repository never
 * holds anything unverified, and quarantine nothing but signatures before one was good. Every part answers "already done?" from content, so a killed import
 * goes on where it stopped; a release that is admitted already is verified again and reported as done.
 * @throws KEY_MISSING, ROLLBACK and TAG_CONFLICT before anything moves; SIGNATURE_INVALID before anything but signatures does;
 * POLICY_REFUSED, INCONCLUSIVE (the verdict), TAG_CONFLICT, LISTED_CONTENT_MISSING, and what route and registry throw. A refusal
 * tells what it left in quarantine.
 */
export async function importRelease(
  { document, trust }: ImportInput,
  ports: ImportPorts,
): Promise<ImportReport> {
  const { registry, clock } = ports;
  const final = registry.repository(document.repository);
  const quarantine = registry.repository(quarantineOf(document.repository));
  const place: Place = {
    ...{ document, final, quarantine, trust },
    isSigned: signedUnder(final, trust, clock.now()),
  };
  return await step(
    ports,
    'import',
    `${document.name} ${document.version} (release ${document.release})`,
    async () => await tellingLeftovers(quarantine, document, () => admit(place, ports)),
    ({ already, reference }) => ({ already, detail: reference }),
  );
}

async function admit(place: Place, ports: ImportPorts): Promise<ImportReport> {
  const { document, final, trust, isSigned } = place;
  const { registry, progress, clock } = ports;
  const effect = (what: string, of: string): void =>
    progress({ type: 'effect', step: 'import', effect: what, subject: of });
  // Whoever imports an admitted release once more mends a list that has lost its receipt.
  if (await relistReceipt(final, document, { keys: trust.receipts, clock }))
    effect('receipt listed again', document.index.digest);
  await preflight(document, final, trust, ports);
  const { carried, verification, transfers, admitted } =
    (await admittedAlready(place, ports)) ?? (await carryIn(place, ports));
  // Another import may have ended since that was asked: what is refused by now gets no receipt.
  await requireForward(document, final, trust, clock);
  const receipt = await recordReceipt(
    final,
    {
      image: carried.release.image,
      host: registry.host,
      toolVersion: ports.toolVersion,
      policyDigest: verification.policyDigest,
      inputs: inputsOf(carried),
      result: 'PASSED',
      release: {
        name: document.name,
        version: document.version,
        release: document.release,
        repository: document.repository,
        index: document.index.digest,
      },
      actions: ['mounted', `tagged ${document.version}`, `tagged release-${document.release}`, 'locked'],
    },
    { signer: ports.signer, keys: trust.receipts, clock },
  );
  if (!receipt.already) effect('receipt', receipt.descriptor.digest);
  // And no tag, when a later release was admitted while this receipt was written.
  await requireForward(document, final, trust, clock);
  const tagged = await tagRelease(final, carried, isSigned, ports.locks, progress);
  await lockAll(final, carried, [receipt.descriptor], ports.locks, progress);
  // What is tagged now is listed for good: the list of an import that began before may have replaced the one with this receipt.
  await relistReceipt(final, document, { keys: trust.receipts, clock });
  return {
    document,
    release: carried.release,
    reference: `${registry.host}/${document.repository}@${carried.release.image.digest}`,
    receipt: receipt.descriptor.digest,
    policyDigest: verification.policyDigest,
    verification,
    route: ports.importer.route,
    transfers,
    already: admitted && receipt.already && !tagged,
  };
}

interface Place {
  readonly document: ReleaseDocument;
  readonly final: Repository;
  readonly quarantine: Repository;
  readonly trust: Trust;
  /** Of what stands under a release tag of the final repository. */
  readonly isSigned: AskSigned;
}

/** A release that passed, with only those signatures that it passed by. */
interface Passed {
  readonly carried: CarriedRelease;
  readonly verification: VerificationReport;
  readonly transfers: number;
  readonly admitted: boolean;
}

/** The release in the final repository, if all that it needs is there: then nothing is carried again. */
async function admittedAlready(place: Place, ports: ImportPorts): Promise<Passed | undefined> {
  const { final, document, isSigned } = place;
  // Killed in the middle of mounting: what is missing comes from quarantine.
  const carried = await listAdmitted(final, document);
  if (!carried) return undefined;
  const tags = await checkTags(final, carried.release, isSigned);
  const verification = await verify(place, final, ports);
  // Of the named signatures only the good ones were admitted; another one may be needed by now.
  const isPartial = carried.signatures.length < document.signatures.length;
  if (isPartial && verification.verdict !== 'allowed') return undefined;
  requireAllowed(verification);
  if (tags === 'free') await claimNames(carried.release, ports);
  return { carried: believed(carried, verification), verification, transfers: 0, admitted: true };
}

/** Signatures, then what they sign, then the rest → verify in quarantine → mount. */
async function carryIn(place: Place, ports: ImportPorts): Promise<Passed> {
  const { document, final, quarantine, trust, isSigned } = place;
  const { progress, signal, importer, registry, clock } = ports;
  requireAdmissibleVersion(document);
  const carrier = createCarrier({ document, importer, target: quarantine, progress, signal });
  await requireSigned(carrier, { document, quarantine, host: registry.host, trust, now: clock.now() });
  const release = await carrier.index();
  await checkTags(final, release, isSigned);
  const carried = await carrier.parts(release);
  const verification = await verify(place, quarantine, ports);
  requireAllowed(verification);
  const good = believed(carried, verification);
  await claimNames(release, ports);
  await mount(quarantine, final, good, ports);
  return { carried: good, verification, transfers: carrier.transfers, admitted: false };
}

const verify = async (place: Place, where: Repository, ports: ImportPorts): Promise<VerificationReport> =>
  await verifyRelease(
    {
      document: place.document,
      host: ports.registry.host,
      repository: where.name,
      content: where,
      receipts: place.final,
      trust: place.trust,
    },
    ports,
  );

/**
 * `release.json` is no proof: whatever it calls a signature would end up, locked, in the final repository. Only those that
 * the verdict rests on may.
 */
function believed(carried: CarriedRelease, { rules }: VerificationReport): CarriedRelease {
  const good = new Set(rules.find(({ rule }) => rule === 'index-signature')?.evidence);
  return { ...carried, signatures: carried.signatures.filter(({ digest }) => good.has(digest)) };
}

const inputsOf = (carried: CarriedRelease): readonly Digest[] => [
  carried.release.index.digest,
  ...carried.signatures.map((item) => item.digest),
  ...carried.release.evidence.map((item) => item.descriptor.digest),
];
