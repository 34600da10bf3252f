import type { Descriptor } from '../domain/descriptor.ts';
import type { Progress } from '../domain/events.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { formatReference } from '../domain/reference.ts';
import { worst } from '../domain/verdict.ts';
import type { CarriedManifest } from '../evidence/carried-manifest.ts';
import { loadTrust } from '../evidence/trust.ts';
import type { Trust } from '../evidence/trust.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import type { Clock } from '../ports/clock.ts';
import { namedFrom, readChecked, readOnce } from './verify/content.ts';
import type { VerifiableContent } from './verify/content.ts';
import { attachedTo, judgeImage, noKeys } from './verify/judge-image.ts';
import { checkListing } from './verify/listing.ts';
import { checkApprovals, checkCarriedManifest, checkReleaseIndex } from './verify/release-rules.ts';
import { judge, notChecked, resultOf, ruleSentences } from './verify/report.ts';
import type { RuleName, RuleResult, Verification } from './verify/report.ts';
import { requireAllowed } from './verify/require.ts';
import { checkRollback } from './verify/rollback.ts';
import type { AdmittingRepository } from './verify/rollback.ts';
import { findSignatures } from './verify/signatures.ts';

export type { RuleName } from './verify/report.ts';
export type { VerifiableContent } from './verify/content.ts';

const verified: unique symbol = Symbol('verified');

/**
 * A release that passed every rule, in this process, just now. Only `verifyRelease` makes one: the mark is not exported, and
 * JSON knows nothing of it (`toJSON` gives nothing), so `register` and `run` cannot be handed anything unverified.
 */
export interface VerifiedRelease {
  readonly [verified]: true;
  readonly document: ReleaseDocument;
  readonly release: Release;
  readonly image: Descriptor;
  readonly carried: CarriedManifest;
  /** Where it was verified. */
  readonly host: string;
  readonly repository: string;
  readonly policyDigest: Verification['policyDigest'];
  toJSON(): undefined;
}

export interface VerificationReport extends Verification {
  /** Only there when the verdict is `allowed` and a release was verified. */
  readonly verified?: VerifiedRelease;
}

export interface VerifyReleaseInput {
  readonly document: ReleaseDocument;
  /** Where `content` is, for the reference that is reported. */
  readonly host: string;
  readonly repository: string;
  readonly content: VerifiableContent;
  /** The final repository of a zone that admits releases: its receipts say which counter it has seen (threat 8). */
  readonly receipts?: AdmittingRepository;
}

export interface VerifyPorts {
  readonly clock: Pick<Clock, 'now'>;
  readonly progress: Progress;
}

/**
 * Judges a release under one zone's policy. Needs no service but the registry or layout that `content` reads, and scans
 * nothing: the *signed* findings are evaluated, today. Answers by verdict; throws only for a policy whose certificates are
 * missing (POLICY_MISSING) and for interruptions.
 */
export async function verifyRelease(
  input: VerifyReleaseInput,
  policy: PolicyRules,
  ports: VerifyPorts,
): Promise<VerificationReport> {
  const { document } = input;
  const trust = await loadTrust(policy);
  const now = ports.clock.now();
  const content = readOnce(input.content);
  const subject = `${input.host}/${input.repository}@${document.index.digest}`;
  ports.progress({ type: 'started', step: 'verify', subject });

  const index = await judge('release-index', subject, () => checkReleaseIndex(content, document));
  const release = index.value;
  const { rules: others, carried } = release
    ? await judgeRelease(release, { ...input, content, attached: readChecked(input.content) }, trust, now)
    : { rules: unanswered(subject), carried: undefined };
  const rules = [index.result, ...others];
  const verdict = worst(rules.map((rule) => rule.verdict));
  ports.progress({ type: 'finished', step: 'verify', subject, already: false, verdict, detail: verdict });
  return {
    verdict,
    subject,
    ...(release ? { release, image: release.image } : {}),
    rules,
    policyDigest: trust.policyDigest,
    at: now.toISOString(),
    ...(verdict === 'allowed' && release && carried
      ? { verified: seal(input, { release, carried, policyDigest: trust.policyDigest }) }
      : {}),
  };
}

const seal = (
  { document, host, repository }: VerifyReleaseInput,
  parts: Pick<VerifiedRelease, 'release' | 'carried' | 'policyDigest'>,
): VerifiedRelease => ({
  [verified]: true,
  document,
  host,
  repository,
  image: parts.release.image,
  ...parts,
  toJSON: () => undefined,
});

/**
 * The release that a report vouches for.
 * @throws SIGNATURE_INVALID, LISTED_CONTENT_MISSING, INTEGRITY_MISMATCH, ROLLBACK, POLICY_REFUSED for a definite no (exit 10);
 * INCONCLUSIVE when something could not be checked (20)
 */
export function requireVerified(report: VerificationReport): VerifiedRelease {
  requireAllowed(report);
  if (report.verified) return report.verified;
  throw new TypeError('an image without a release cannot be verified as one');
}

/** All rules behind `release-index`. Each is judged, also when another has refused: a reader wants the whole picture. */
async function judgeRelease(
  release: Release,
  input: VerifyReleaseInput & { readonly attached: VerifiableContent },
  trust: Trust,
  now: Date,
): Promise<{ readonly rules: readonly RuleResult[]; readonly carried: CarriedManifest | undefined }> {
  const { content, document } = input;
  const { index, image } = release;
  const listed = (role: string): readonly Descriptor[] =>
    release.evidence.filter((part) => part.role === role).map(({ descriptor }) => descriptor);
  const signatures = listed('signature').map(({ digest }) => digest);
  const attached = namedFrom(content, input.attached, [...document.signatures, ...signatures]);
  const signed = await judge('index-signature', index.digest, () =>
    findSignatures({ content: attached, target: index, named: document.signatures, trust, now }),
  );
  const listing = await judge('listing', index.digest, () => checkListing(content, release));
  const carried = await judge('image-manifest', image.digest, () => checkCarriedManifest(content, release));
  const ofImage = await judgeImage(
    {
      content,
      attached,
      image,
      named: signatures,
      vouching: signed.value ?? noKeys,
      candidates: (kind) => Promise.resolve({ descriptors: listed(kind), reasons: [] }),
    },
    trust,
    now,
  );
  const rollback = await judge('rollback', index.digest, () =>
    checkRollback(input.receipts, release, trust, now),
  );
  const approvals = resultOf('approvals', checkApprovals(release, trust.policy));
  return {
    rules: [signed.result, listing.result, carried.result, ...ofImage, approvals, rollback.result],
    carried: carried.value,
  };
}

const unanswered = (subject: string): readonly RuleResult[] =>
  (Object.keys(ruleSentences) as RuleName[])
    .filter((rule) => rule !== 'release-index')
    .map((rule) => notChecked(rule, subject, 'there is no release index to go by'));

export interface VerifyImageInput {
  readonly host: string;
  readonly repository: string;
  /** The image, resolved once: everything is judged for this digest. */
  readonly image: Descriptor;
  readonly content: VerifiableContent;
}

/** The rules that apply to an image with its referrers, without a release: signature, evidence, findings, image, approvals. */
export async function verifyImage(
  input: VerifyImageInput,
  policy: PolicyRules,
  ports: VerifyPorts,
): Promise<VerificationReport> {
  const { host, repository, image } = input;
  const trust = await loadTrust(policy);
  const now = ports.clock.now();
  const content = readChecked(input.content);
  const subject = formatReference({ host, repository, digest: image.digest });
  ports.progress({ type: 'started', step: 'verify', subject });
  const rules = [
    ...(await judgeImage(
      { content, image, named: [], vouching: noKeys, candidates: attachedTo(content) },
      trust,
      now,
    )),
    resultOf('approvals', checkApprovals(undefined, policy)),
  ];
  const verdict = worst(rules.map((rule) => rule.verdict));
  ports.progress({ type: 'finished', step: 'verify', subject, already: false, verdict, detail: verdict });
  return { verdict, subject, image, rules, policyDigest: trust.policyDigest, at: now.toISOString() };
}
