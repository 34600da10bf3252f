import type { Descriptor } from '../domain/descriptor.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { formatReference } from '../domain/reference.ts';
import { worst } from '../domain/verdict.ts';
import type { CarriedManifest } from '../evidence/carried-manifest.ts';
import type { Trust } from '../evidence/trust.ts';
import type { Clock } from '../ports/clock.ts';
import type { StepContext } from '../ports/step-context.ts';
import { step } from './step.ts';
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
  readonly receipts?: AdmittingRepository | undefined;
  readonly trust: Trust;
}

/** Without a signal: interruptions reach verification through the registry that `content` reads. */
export interface VerifyContext extends Pick<StepContext, 'progress'> {
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Judges a release under one zone's policy. Needs no service but the registry or layout that `content` reads, and scans
 * nothing: the *signed* findings are evaluated, today. Answers by verdict; throws only for interruptions.
 */
export async function verifyRelease(
  input: VerifyReleaseInput,
  context: VerifyContext,
): Promise<VerificationReport> {
  const { host, repository, document } = input;
  const reference = formatReference({ host, repository, digest: document.index.digest });
  const now = context.clock.now();
  return await judging(context, reference, async () => await judgeWhole(input, reference, now));
}

/** The step `verify`: its verdict is the report's. */
const judging = async (
  context: VerifyContext,
  reference: string,
  run: () => Promise<VerificationReport>,
): Promise<VerificationReport> =>
  await step(context, 'verify', reference, run, ({ verdict }) => ({
    already: false,
    verdict,
    detail: verdict,
  }));

async function judgeWhole(
  input: VerifyReleaseInput,
  subject: string,
  now: Date,
): Promise<VerificationReport> {
  const { document, trust } = input;
  const content = readOnce(input.content);
  const index = await judge('release-index', subject, () => checkReleaseIndex(content, document));
  const release = index.value;
  const { rules: others, carried } = release
    ? await judgeRelease(release, { ...input, content, attached: readChecked(input.content) }, now)
    : { rules: unanswered(subject), carried: undefined };
  const rules = [index.result, ...others];
  const verdict = worst(rules.map((rule) => rule.verdict));
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
  now: Date,
): Promise<{ readonly rules: readonly RuleResult[]; readonly carried: CarriedManifest | undefined }> {
  const { content, document, trust } = input;
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
  readonly trust: Trust;
}

/** The rules that apply to an image with its referrers, without a release: signature, evidence, findings, image, approvals. */
export async function verifyImage(
  input: VerifyImageInput,
  context: VerifyContext,
): Promise<VerificationReport> {
  const { host, repository, image } = input;
  const reference = formatReference({ host, repository, digest: image.digest });
  const now = context.clock.now();
  return await judging(context, reference, async () => await judgeAlone(input, reference, now));
}

async function judgeAlone(
  { image, trust, ...input }: VerifyImageInput,
  subject: string,
  now: Date,
): Promise<VerificationReport> {
  const content = readChecked(input.content);
  const rules = [
    ...(await judgeImage(
      { content, image, named: [], vouching: noKeys, candidates: attachedTo(content) },
      trust,
      now,
    )),
    resultOf('approvals', checkApprovals(undefined, trust.policy)),
  ];
  const verdict = worst(rules.map((rule) => rule.verdict));
  return { verdict, subject, image, rules, policyDigest: trust.policyDigest, at: now.toISOString() };
}
