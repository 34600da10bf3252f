import type { StepName } from '../domain/events.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import { decide } from '../domain/verdict.ts';
import type { WorkspaceChoice } from '../policy/workspace-choice.ts';
import type { Inside, ReleaseOrigin } from './inside.ts';
import type { ImageSpec } from '../manifest/image.ts';
import type { Outside, OutsideImage, ScanReports } from './outside.ts';
import type { BuildReport } from '../steps/build.ts';
import type { ImportReport } from '../steps/import.ts';
import type { PublishReport } from '../steps/publish.ts';
import type { RegisterReport } from '../steps/register.ts';
import type { ReleaseReport } from '../steps/release.ts';
import type { RunReport } from '../steps/run.ts';
import type { SignReport } from '../steps/sign.ts';
import { requireDecision } from '../steps/verify/require.ts';

export type PromotionMode = 'both' | 'outside' | 'inside';

/** One line of a plan: what would be done, where. */
export interface PlannedStep {
  /** Name of the image. */
  readonly image: string;
  readonly step: StepName;
  readonly side: 'outside' | 'inside';
  readonly does: string;
}

/** What the plan needs to know; all of it comes from manifests and release.json, nothing is asked of any service. */
export interface PlanSubject {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  /** Absent inside: there the image exists. */
  readonly source?:
    { readonly kind: 'build'; readonly context: string } | { readonly kind: 'image'; readonly from: string };
  readonly smoke: boolean;
}

export interface PlanPlaces {
  readonly mode: PromotionMode;
  readonly nonsensitiveHost: string;
  readonly sensitiveHost: string;
  readonly route: string;
  readonly workspace: string;
}

/** The steps in order. Pure: `--dry-run` prints this and touches nothing. */
export function planPromotion(subject: PlanSubject, places: PlanPlaces): readonly PlannedStep[] {
  const { name, version, repository } = subject;
  const outside: readonly (readonly [StepName, string])[] = [
    [
      'build',
      subject.source?.kind === 'image'
        ? `take over ${subject.source.from}`
        : `build ${subject.source?.context ?? ''} into the store`,
    ],
    ['scan', 'list what is in the image, match it with the advisory database, ask the outside policy'],
    ['publish', `copy to ${places.nonsensitiveHost}/${repository}`],
    ['sign', 'sign the image; attest SBOM, scan report and provenance'],
    [
      'release',
      `index image and evidence as ${name} ${version}, sign the index; its coordinates are release.json`,
    ],
  ];
  const inside: readonly (readonly [StepName, string])[] = [
    [
      'import',
      `carry by ${places.route} into quarantine, verify under the inside policy, admit to ${places.sensitiveHost}/${repository}, lock`,
    ],
    ['verify', 'verify what was admitted, as register and run see it'],
    ['register', `AML environment ${name}:${version} by digest in workspace ${places.workspace}`],
    ...(subject.smoke
      ? [['run', `the smoke job of the release in workspace ${places.workspace}`] as const]
      : []),
  ];
  const lines = (side: PlannedStep['side'], steps: typeof outside): PlannedStep[] =>
    steps.map(([step, does]) => ({ image: name, step, side, does }));
  return [
    ...(places.mode === 'inside' ? [] : lines('outside', outside)),
    ...(places.mode === 'outside' ? [] : lines('inside', inside)),
  ];
}

/** Exit code of several results: any refusal wins, then "could not check", then anything else that went wrong; an interruption ends them all. */
export function combinedExitCode(codes: readonly number[]): number {
  for (const code of [130, 10, 20, 1, 2]) if (codes.includes(code)) return code;
  return 0;
}

/** What the outside half did; `release.json` is `release.document`. */
export interface OutsideResult {
  readonly build: BuildReport;
  readonly scan: ScanReports;
  readonly publish: PublishReport;
  readonly sign: SignReport;
  readonly release: ReleaseReport;
}

/**
 * build → scan → publish → sign → release. Every step finds what is done already, so a killed promotion goes on where it
 * stopped, with the same digest.
 * @throws KEY_MISSING before anything is built; POLICY_REFUSED, INCONCLUSIVE before anything leaves this machine when the scan is not allowed; what the steps throw
 */
export async function promoteOutside(
  outside: Outside,
  spec: ImageSpec,
  options: { readonly rebuild?: boolean } = {},
): Promise<OutsideResult> {
  // Half an hour of building is a long way to a missing file.
  await outside.requireKey();
  const build = await outside.build(spec, options);
  const subject: OutsideImage = {
    repository: spec.repository,
    image: build.image,
    ...(build.buildKey === undefined ? {} : { buildKey: build.buildKey }),
  };
  await outside.requireImage(subject);
  const scan = await outside.scan(subject);
  requireDecision(
    decide(scan.platforms.flatMap((platform) => platform.decision.reasons)),
    `${spec.name} (${spec.repository}@${build.image.digest})`,
    scan.platforms.map(({ report }) => report),
  );
  const publish = await outside.publish(subject);
  const sign = await outside.sign(subject);
  const release = await outside.release(spec, subject, sign);
  return { build, scan, publish, sign, release };
}

export interface InsideResult {
  readonly import: ImportReport;
  readonly register: RegisterReport;
  /** Absent when the release has no smoke job. */
  readonly run?: RunReport;
}

/** What the inside can tell before anything is built or carried for it. @throws ROUTE_NOT_APPROVED, NOT_ADMITTED, KEY_MISSING, USAGE */
export async function requireReady(
  inside: Inside,
  from: ReleaseOrigin,
  choice: WorkspaceChoice,
): Promise<void> {
  inside.requireAdmitted(from, choice);
  await inside.requireKey();
  await inside.requireCompute(from, choice);
}

/**
 * import (carry, verify, admit) → register → run, each of the last two over a verification of its own. What no workspace may
 * use is not imported either.
 */
export async function promoteInside(
  inside: Inside,
  document: ReleaseDocument,
  choice: WorkspaceChoice,
): Promise<InsideResult> {
  await requireReady(inside, document, choice);
  const imported = await inside.import(document);
  const registered = await inside.register(document, choice);
  const smoke = imported.verification.verified?.carried.smoke;
  if (!smoke) return { import: imported, register: registered };
  return { import: imported, register: registered, run: await inside.run(document, choice) };
}
