import { scratchBase } from '../../domain/build.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Platform } from '../../domain/platform.ts';
import { formatPlatform } from '../../domain/platform.ts';
import type { Dockerfile, Mount, Stage } from './dockerfile.ts';
import { parseDockerfile } from './dockerfile.ts';

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
 * Which images reach the target stage: by `FROM`, directly or through other stages, and by `COPY --from`.
 * @throws MANIFEST_INVALID when a `FROM` comes out empty
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
  const values = globalValues(dockerfile, options.args, options.platform);
  const all = new Set<string>();
  const begun = new Set<string>();
  const seen = new Set<number>();
  const mounts: Mount[] = [];

  const indexOf = (name: string, before: number): number =>
    stages
      .slice(0, before)
      .findLastIndex((stage, index) => stage.name === name.toLowerCase() || String(index) === name);

  const nameOf = (stage: Stage): string => {
    const name = substitute(stage.from, values);
    if (name !== '') return name;
    throw new AmlpromoteError('MANIFEST_INVALID', `${options.file}: FROM ${stage.from} names no image`, {
      nextSteps: [
        'Give the build argument a value: source.build.args in the image manifest, or a default in the Dockerfile.',
      ],
    });
  };

  /** @returns the image at the bottom of the stage */
  const visit = (index: number): string | undefined => {
    const stage = stages[index];
    if (!stage) return undefined;
    const name = nameOf(stage);
    const below = indexOf(name, index);
    let root: string | undefined;
    if (below >= 0) root = visit(below);
    else if (name !== scratchBase) {
      root = name;
      all.add(name);
      begun.add(name);
    }
    if (seen.has(index)) return root;
    seen.add(index);
    const inherited = (stages[below]?.onBuild ?? []).map(readTrigger);
    mounts.push(...inherited.flatMap((trigger) => trigger.mounts), ...stage.mounts);
    for (const { reference } of [...inherited.flatMap(({ uses }) => uses), ...stage.uses]) {
      const source = substitute(reference, values);
      const at = indexOf(source, index);
      if (at >= 0) visit(at);
      else if (source !== '' && source !== 'context') all.add(source);
    }
    return root;
  };

  const { target } = options;
  const wanted = target === undefined ? stages.length - 1 : indexOf(target, stages.length);
  const root = visit(wanted);
  return { all: [...all], root, begun: [...begun], mounts };
}

/** What a stage leaves to those that are built on it, done there. */
function readTrigger({ text, line }: Stage['onBuild'][number]): Pick<Stage, 'uses' | 'mounts'> {
  const [stage] = parseDockerfile(`FROM scratch\n${text}\n`).stages;
  const here = <T>(each: T): T => ({ ...each, line });
  return { uses: stage?.uses.map(here) ?? [], mounts: stage?.mounts.map(here) ?? [] };
}

function globalValues(
  { globalArgs }: Dockerfile,
  args: Readonly<Record<string, string>>,
  platform: Platform,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const prefix of ['TARGET', 'BUILD']) {
    values.set(`${prefix}PLATFORM`, formatPlatform(platform));
    values.set(`${prefix}OS`, platform.os);
    values.set(`${prefix}ARCH`, platform.architecture);
    values.set(`${prefix}VARIANT`, platform.variant ?? '');
  }
  for (const [key, value] of globalArgs) {
    const given = args[key] ?? (value === undefined ? undefined : substitute(value, values));
    if (given !== undefined) values.set(key, given);
  }
  return values;
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+other}`, also nested once (Dockerfile reference, "Environment replacement"). */
export function substitute(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\\(\$)|\$(?:([a-zA-Z_]\w*)|\{([a-zA-Z_]\w*)(?::?([-+])((?:[^{}]|\{[^{}]*\})*))?\})/g,
    (
      _match,
      escaped: string | undefined,
      plain: string | undefined,
      braced: string | undefined,
      sign: string | undefined,
      other: string | undefined,
    ) => {
      if (escaped !== undefined) return escaped;
      const value = values.get(plain ?? braced ?? '') ?? '';
      if (sign === '-') return value === '' ? substitute(other ?? '', values) : value;
      if (sign === '+') return value === '' ? '' : substitute(other ?? '', values);
      return value;
    },
  );
}
