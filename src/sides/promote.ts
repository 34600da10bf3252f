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

/** A step of a promotion, once for both: the plan says what it does, a promotion runs it. */
interface PromotionStep<Work, Done> {
  readonly step: StepName & keyof Done;
  /** Pure. Undefined when it would not run. */
  readonly does: (subject: PlanSubject, places: PlanPlaces) => string | undefined;
  /** @param done by the steps before it */
  readonly run: (work: Work, done: Partial<Done>) => Promise<Partial<Done>>;
}

/** What the outside half did; `release.json` is `release.document`. */
export interface OutsideResult {
  readonly build: BuildReport;
  readonly scan: ScanReports;
  readonly publish: PublishReport;
  readonly sign: SignReport;
  readonly release: ReleaseReport;
}

interface OutsideWork {
  readonly outside: Outside;
  readonly spec: ImageSpec;
  readonly rebuild: boolean;
}

const outsideSteps: readonly PromotionStep<OutsideWork, OutsideResult>[] = [
  {
    step: 'build',
    does: ({ source }) =>
      source?.kind === 'image' ? `take over ${source.from}` : `build ${source?.context ?? ''} into the store`,
    run: async ({ outside, spec, rebuild }) => ({ build: await outside.build(spec, { rebuild }) }),
  },
  {
    step: 'scan',
    does: () => 'list what is in the image, match it with the advisory database, ask the outside policy',
    run: async ({ outside, spec }, done) => {
      const built = builtImage(spec, done);
      await outside.requireImage(built);
      const scan = await outside.scan(built);
      requireDecision(
        decide(scan.platforms.flatMap((platform) => platform.decision.reasons)),
        `${spec.name} (${spec.repository}@${built.image.digest})`,
        scan.platforms.map(({ report }) => report),
      );
      return { scan };
    },
  },
  {
    step: 'publish',
    does: ({ repository }, { nonsensitiveHost }) => `copy to ${nonsensitiveHost}/${repository}`,
    run: async ({ outside, spec }, done) => ({ publish: await outside.publish(builtImage(spec, done)) }),
  },
  {
    step: 'sign',
    does: () => 'sign the image; attest SBOM, scan report and provenance',
    run: async ({ outside, spec }, done) => ({ sign: await outside.sign(builtImage(spec, done)) }),
  },
  {
    step: 'release',
    does: ({ name, version }) =>
      `index image and evidence as ${name} ${version}, sign the index; its coordinates are release.json`,
    run: async ({ outside, spec }, done) => ({
      release: await outside.release(spec, builtImage(spec, done), done.sign),
    }),
  },
];

function builtImage(spec: ImageSpec, { build }: Partial<OutsideResult>): OutsideImage {
  if (!build) throw new TypeError('a promotion begins with build');
  const { image, buildKey } = build;
  return { repository: spec.repository, image, ...(buildKey === undefined ? {} : { buildKey }) };
}

export interface InsideResult {
  readonly import: ImportReport;
  readonly register: RegisterReport;
  /** Absent when the release has no smoke job. */
  readonly run?: RunReport;
}

interface InsideWork {
  readonly inside: Inside;
  readonly document: ReleaseDocument;
  readonly choice: WorkspaceChoice;
}

/** Register and run verify again for themselves. */
const insideSteps: readonly PromotionStep<InsideWork, InsideResult>[] = [
  {
    step: 'import',
    does: ({ repository }, { route, sensitiveHost }) =>
      `carry by ${route} into quarantine, verify under the inside policy, admit to ${sensitiveHost}/${repository}, lock`,
    run: async ({ inside, document }) => ({ import: await inside.import(document) }),
  },
  {
    step: 'register',
    does: ({ name, version }, { workspace }) =>
      `AML environment ${name}:${version} by digest in workspace ${workspace}`,
    run: async ({ inside, document, choice }) => ({ register: await inside.register(document, choice) }),
  },
  {
    step: 'run',
    does: ({ smoke }, { workspace }) =>
      smoke ? `the smoke job of the release in workspace ${workspace}` : undefined,
    run: async ({ inside, document, choice }, done) =>
      done.import?.verification.verified?.carried.smoke ? { run: await inside.run(document, choice) } : {},
  },
];

type Planned = Pick<PromotionStep<never, OutsideResult & InsideResult>, 'step' | 'does'>;

/** The steps that a promotion would run, in order. Pure: `--dry-run` prints this and touches nothing. */
export function planPromotion(subject: PlanSubject, places: PlanPlaces): readonly PlannedStep[] {
  const planned = (side: PlannedStep['side'], steps: readonly Planned[]): PlannedStep[] =>
    steps.flatMap(({ step, does }) => {
      const what = does(subject, places);
      return what === undefined ? [] : [{ image: subject.name, step, side, does: what }];
    });
  return [
    ...(places.mode === 'inside' ? [] : planned('outside', outsideSteps)),
    ...(places.mode === 'outside' ? [] : planned('inside', insideSteps)),
  ];
}

async function runSteps<Work, Done>(
  steps: readonly PromotionStep<Work, Done>[],
  work: Work,
): Promise<Partial<Done>> {
  let done: Partial<Done> = {};
  for (const { run } of steps) done = { ...done, ...(await run(work, done)) };
  return done;
}

/**
 * build → scan → publish → sign → release. Every step finds what is done already, so a killed promotion goes on where it
 * stopped, with the same digest.
 * @throws KEY_MISSING before anything is built; POLICY_REFUSED, INCONCLUSIVE before anything leaves this machine when the scan is not allowed; what the steps throw
 */
export async function promoteOutside(
  outside: Outside,
  spec: ImageSpec,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<OutsideResult> {
  // Half an hour of building is a long way to a missing file.
  await outside.requireKey();
  const { build, scan, publish, sign, release } = await runSteps(outsideSteps, { outside, spec, rebuild });
  if (!build || !scan || !publish || !sign || !release) throw incomplete();
  return { build, scan, publish, sign, release };
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
  const { import: imported, register, run } = await runSteps(insideSteps, { inside, document, choice });
  if (!imported || !register) throw incomplete();
  return { import: imported, register, ...(run ? { run } : {}) };
}

const incomplete = (): TypeError => new TypeError('a step of the promotion is not in its list');

/** Exit code of several results: any refusal wins, then "could not check", then anything else that went wrong; an interruption ends them all. */
export function combinedExitCode(codes: readonly number[]): number {
  for (const code of [130, 10, 20, 1, 2]) if (codes.includes(code)) return code;
  return 0;
}
