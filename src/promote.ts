import type { StepName } from './domain/events.ts';

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
    ['release', `index image and evidence as ${name} ${version}, sign the index, write release.json`],
  ];
  const inside: readonly (readonly [StepName, string])[] = [
    [
      'import',
      `carry by ${places.route} into quarantine, verify under the inside policy, admit to ${places.sensitiveHost}/${repository}, lock`,
    ],
    ['verify', 'verify what was admitted, as register and run see it'],
    ['register', `AML environment ${name}:${version} by digest in workspace ${places.workspace}`],
    ...(subject.smoke ? [['run', `the smoke job in workspace ${places.workspace}`] as const] : []),
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
