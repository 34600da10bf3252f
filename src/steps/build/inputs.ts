import type { Dockerfile } from '../../dockerfile/parse.ts';
import { parseDockerfile } from '../../dockerfile/parse.ts';
import type { Stage } from '../../dockerfile/stage.ts';
import { Unreadable } from '../../dockerfile/unreadable.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { BaseNames } from './bases.ts';

/** What this version can give a `RUN --mount` (Dockerfile reference, "RUN --mount"); `secret` and `ssh` it cannot. */
const mountTypes: readonly string[] = ['bind', 'cache', 'tmpfs'];

/**
 * BuildKit runs a step whose secret or agent was not given as if nothing had been asked for: the image would be another one
 * than meant, without a word. Also refused where the type is a variable, which could become either.
 * @throws UNSUPPORTED naming the line
 */
export function refuseUngiven({ mounts }: Pick<BaseNames, 'mounts'>, file: string): void {
  for (const { type, line } of mounts)
    if (!mountTypes.includes(type)) throw ungiven(type, `${file}, line ${String(line)}`);
}

/**
 * What a base image does by `ONBUILD` is in no file of ours: nothing there may bring further images or ask for secrets.
 * @throws UNSUPPORTED naming the base image
 */
export function refuseTriggers(onBuild: readonly string[], base: string): void {
  for (const text of onBuild) {
    const where = `the base image ${base}: ONBUILD ${text}`;
    const stages = readTrigger(text)?.stages ?? [];
    const reference = stages.flatMap(({ uses }) => uses)[0]?.reference;
    if (reference !== undefined || stages.length !== 1) {
      throw new AmlpromoteError(
        'UNSUPPORTED',
        `${where}: it takes files from ${reference ?? 'another image'}, which is named nowhere else`,
        {
          nextSteps: ['Copy from that image in the Dockerfile itself, and use a base without this ONBUILD.'],
        },
      );
    }
    const mount = stages[0]?.mounts.find(({ type }) => !mountTypes.includes(type));
    if (mount) throw ungiven(mount.type, where);
  }
}

const ungiven = (type: string, where: string): AmlpromoteError =>
  new AmlpromoteError(
    'UNSUPPORTED',
    `${where}: RUN --mount=type=${type} needs what builder: engine cannot give, and the step would run without it`,
    {
      nextSteps: [
        'Fetch what needs the secret outside of the build and COPY the result, or start from a private base image.',
        'Never pass a secret as a build argument: its value stands in the image.',
      ],
    },
  );

/** The images that read the Dockerfile: `# syntax=`, and the argument that BuildKit takes instead of it. */
export function frontendsOf(
  { syntax }: Pick<Dockerfile, 'syntax'>,
  args: Readonly<Record<string, string>>,
): readonly string[] {
  // BuildKit takes the first word of both (frontend/dockerfile/parser, DetectSyntax).
  const names = [args.BUILDKIT_SYNTAX, syntax?.image].map((text) => text?.trim().split(/\s/)[0] ?? '');
  return [...new Set(names)].filter((name) => name !== '');
}

/** Arguments that every build knows undeclared (Dockerfile reference, "Predefined ARGs"). */
const predefined = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

/**
 * The arguments that decide what the image is: all but proxies that no `ARG` declares, which engines keep out of their
 * cache and of the image's history ("Predefined ARGs"), and which say where a build ran, not what it made.
 */
export function countedArgs(
  args: Readonly<Record<string, string>>,
  { globalArgs, stages }: Pick<Dockerfile, 'globalArgs' | 'stages'>,
): Readonly<Record<string, string>> {
  const declared = new Set([...globalArgs.keys(), ...stages.flatMap(declaredBy)]);
  return Object.fromEntries(
    Object.entries(args).filter(([name]) => !predefined.has(name) || declared.has(name)),
  );
}

const declaredBy = ({ args, onBuild }: Stage): readonly string[] => [
  ...args,
  ...onBuild.flatMap(({ text }) => readTrigger(text)?.stages[0]?.args ?? []),
];

/** An instruction behind `ONBUILD`, as a file of its own; undefined when no builder could read it. */
function readTrigger(text: string): Dockerfile | undefined {
  try {
    return parseDockerfile(`FROM scratch\n${text}\n`);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}
