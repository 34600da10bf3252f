import { scratchBase } from '../../domain/build.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { Dockerfile } from '../../dockerfile/parse.ts';
import { stageBelow, stageOfTarget, stageUsed } from '../../dockerfile/references.ts';
import type { Mount } from '../../dockerfile/mounts.ts';
import type { Use } from '../../dockerfile/stage.ts';
import { baseNameOf } from '../../dockerfile/substitute.ts';
import { Unreadable, atLine } from '../../dockerfile/unreadable.ts';

/** The images that a build starts from, as the engine is to be asked for them, and the mounts that it makes. */
export interface BaseNames {
  /** All that reach the image, in order of use; never `scratch`. */
  readonly all: readonly string[];
  /** What the image itself stands on; undefined for `scratch`. */
  readonly root: string | undefined;
  /** Those of `all` that a stage begins with: what their `ONBUILD` says is done in this build. */
  readonly begun: readonly string[];
  /** Of all steps that reach the image. */
  readonly mounts: readonly Mount[];
}

/**
 * Which images reach the target stage: by `FROM`, directly or through other stages, by `COPY --from` and by mounts, also
 * those that a stage leaves to the stages built on it (`ONBUILD`).
 * @throws MANIFEST_INVALID when a `FROM` comes out empty, or differently for builders of different age; when there is no
 * such stage
 */
export function basesOf(
  dockerfile: Dockerfile,
  options: {
    readonly args: Readonly<Record<string, string>>;
    readonly target: string | undefined;
    readonly platform: Platform;
    /** For the message. */
    readonly file: string;
  },
): BaseNames {
  const { stages } = dockerfile;
  const substitution = { args: options.args, platform: platformArgs(options.platform) };
  const all = new Set<string>();
  const begun = new Set<string>();
  const mounts: Mount[] = [];
  const roots = new Map<number, string | undefined>();

  /** @returns the image at the bottom of the stage */
  const visit = (index: number): string | undefined => {
    const stage = stages[index];
    if (!stage || roots.has(index)) return roots.get(index);
    const name = baseNameOf(dockerfile, stage, substitution);
    if (name === '') throw blank(stage.from, options.file);
    const below = stageBelow(stages, index, name);
    const root = below >= 0 ? visit(below) : name === scratchBase ? undefined : name;
    roots.set(index, root);
    if (root !== undefined) all.add(root);
    if (below < 0 && root !== undefined) begun.add(root);
    const inherited = stages[below]?.onBuild ?? [];
    for (const { problem, line } of inherited) {
      if (problem !== undefined) throw new Unreadable(line, `what ONBUILD leaves cannot be done: ${problem}`);
    }
    mounts.push(...inherited.flatMap((trigger) => trigger.mounts), ...stage.mounts);
    for (const use of [...inherited.flatMap(({ uses }) => uses), ...stage.uses]) take(index, use);
    return root;
  };

  const take = (index: number, use: Use): void => {
    const at = stageUsed(stages, index, use);
    if (at !== undefined) visit(at);
    else if (use.reference !== scratchBase) all.add(use.reference);
  };

  const { target, file } = options;
  const wanted = target === undefined ? stages.length - 1 : stageOfTarget(stages, target);
  if (wanted < 0) throw noStage(target ?? '', file);
  const root = atLine(file, () => visit(wanted));
  return { all: [...all], root, begun: [...begun], mounts };
}

function platformArgs(platform: Platform): Readonly<Record<string, string>> {
  return {
    TARGETPLATFORM: formatPlatform(platform),
    TARGETOS: platform.os,
    TARGETARCH: platform.architecture,
    TARGETVARIANT: platform.variant ?? '',
  };
}

const blank = (from: string, file: string): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', `${file}: FROM ${from} names no image`, {
    nextSteps: [
      'Give the build argument a value: source.build.args in the image manifest, or a default in the Dockerfile.',
    ],
  });

const noStage = (target: string, file: string): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', `${file} has no stage named ${target}`, {
    nextSteps: ['Name one of its stages (FROM … AS name) as source.build.target in the image manifest.'],
  });
