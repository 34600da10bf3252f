import { quarantineOf } from '../domain/names.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { recordReceipt } from '../evidence/record-receipt.ts';
import { loadTrust } from '../evidence/trust.ts';
import type { Policy } from '../manifest/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { Importer, Locks } from '../ports/importer.ts';
import type { Signer } from '../ports/signer.ts';
import { checkVersionTag, lockAll, mount, tagRelease } from './import/admit.ts';
import { carry, listCarried } from './import/carry.ts';
import type { CarriedRelease } from './import/carry.ts';
import { requireAllowed } from './verify/require.ts';
import { verifyRelease } from './verify.ts';
import type { VerificationReport } from './verify.ts';

export interface ImportPorts {
  /** An approved route. */
  readonly importer: Importer;
  /** The sensitive registry. */
  readonly registry: Registry;
  readonly locks: Locks;
  /** The receipt key. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly progress: Progress;
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
 * carry into quarantine, untagged → verify under the inside policy → mount into the final repository, untagged → receipt →
 * tag → lock. The final repository never holds anything unverified. Every part answers "already done?" from content, so a
 * killed import goes on where it stopped; a release that is admitted already is verified again and reported as done.
 * @throws POLICY_REFUSED, INCONCLUSIVE (the verdict), TAG_CONFLICT, LISTED_CONTENT_MISSING, and what route and registry throw
 */
export async function importRelease(
  document: ReleaseDocument,
  policy: Policy,
  ports: ImportPorts,
  signal?: AbortSignal,
): Promise<ImportReport> {
  const { registry, progress } = ports;
  const final = registry.repository(document.repository);
  const quarantine = registry.repository(quarantineOf(document.repository));
  const subject = `${document.name} ${document.version} (release ${document.release})`;
  progress({ type: 'started', step: 'import', subject });

  const admitted = await admittedAlready(final, document);
  const { carried, transfers } = admitted
    ? { carried: admitted, transfers: 0 }
    : await carry({
        document,
        importer: ports.importer,
        target: quarantine,
        progress,
        ...(signal ? { signal } : {}),
      });
  await checkVersionTag(final, carried.release);

  const place = admitted ? final : quarantine;
  const verification = await verify(document, place, final, policy, ports);
  if (!admitted) await mount(quarantine, final, carried, progress, signal);
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
    { signer: ports.signer, keys: (await loadTrust(policy)).receipts, clock: ports.clock },
  );
  if (!receipt.already)
    progress({ type: 'effect', step: 'import', effect: 'receipt', subject: receipt.descriptor.digest });
  await tagRelease(final, carried, ports.locks, progress);
  await lockAll(final, carried, [receipt.descriptor], ports.locks, progress);

  const reference = `${registry.host}/${document.repository}@${carried.release.image.digest}`;
  const already = admitted !== undefined && receipt.already;
  progress({ type: 'finished', step: 'import', subject, already, detail: reference });
  return {
    document,
    release: carried.release,
    reference,
    receipt: receipt.descriptor.digest,
    policyDigest: verification.policyDigest,
    verification,
    route: ports.importer.route,
    transfers,
    already,
  };
}

/** The release as it is in the final repository, if all of it is there: then nothing is carried again. */
async function admittedAlready(
  final: Repository,
  document: ReleaseDocument,
): Promise<CarriedRelease | undefined> {
  if (!(await final.resolve(document.index.digest))) return undefined;
  try {
    return await listCarried(final, document);
  } catch (error) {
    // Killed in the middle of mounting: what is missing comes from quarantine.
    if (error instanceof AmlpromoteError && error.code === 'LISTED_CONTENT_MISSING') return undefined;
    throw error;
  }
}

async function verify(
  document: ReleaseDocument,
  place: Repository,
  final: Repository,
  policy: Policy,
  ports: ImportPorts,
): Promise<VerificationReport> {
  const verification = await verifyRelease(
    { document, host: ports.registry.host, repository: place.name, content: place, receipts: final },
    policy,
    { clock: ports.clock, progress: ports.progress },
  );
  requireAllowed(verification);
  return verification;
}

const inputsOf = (carried: CarriedRelease): readonly Digest[] => [
  carried.release.index.digest,
  ...carried.signatures.map((item) => item.digest),
  ...carried.release.evidence.map((item) => item.descriptor.digest),
];
