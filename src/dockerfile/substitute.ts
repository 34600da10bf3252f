import type { Dockerfile } from './parse.ts';
import { BadWords, lexWords } from './shell-words.ts';
import type { Stage } from './stage.ts';
import { Unreadable } from './unreadable.ts';

export interface SubstituteOptions {
  /** Build arguments. */
  readonly args: Readonly<Record<string, string>>;
  /** `TARGETPLATFORM` and its parts. */
  readonly platform: Readonly<Record<string, string>>;
}

/** What only the engine knows: its own platform, which may be another than what is built for; what is new. */
const ofEngine = new Set([
  ...['BUILDPLATFORM', 'BUILDOS', 'BUILDOSVERSION', 'BUILDARCH', 'BUILDVARIANT'],
  'TARGETSTAGE',
]);

/**
 * The image or stage that a `FROM` names, variables replaced (Dockerfile reference, "Understand how ARG and FROM
 * interact"). Current builders and those of Docker 20.10 must come to the same.
 * @returns the name; empty where the FROM comes out empty
 * @throws Unreadable where they do not, or one of them refuses
 */
export function baseNameOf(dockerfile: Dockerfile, stage: Stage, options: SubstituteOptions): string {
  const [now, before] = [true, false].map((modern) => expand(dockerfile, stage, options, modern)) as [
    string,
    string,
  ];
  if (now === before) return now;
  throw new Unreadable(
    stage.line,
    `FROM ${stage.from} is ${now} to current builders and ${before === '' ? 'nothing' : before} to older ones`,
    ['Give every ARG that it uses a value of its own.'],
  );
}

function expand(
  { globals, escape }: Dockerfile,
  stage: Stage,
  options: SubstituteOptions,
  modern: boolean,
): string {
  const values = new Map(Object.entries(options.platform));
  const problems = new Map<string, Unreadable>();
  const given = new Map(Object.entries(options.args));
  for (const [name, value] of given) if (values.has(name) || ofEngine.has(name)) values.set(name, value);

  const valueOf = (name: string, line: number): string | undefined => {
    const problem = problems.get(name);
    if (problem) throw problem;
    const value = values.get(name);
    if (value === undefined && ofEngine.has(name)) throw onlyEngine(name, line);
    return value;
  };
  const replace = (text: string, line: number): string => {
    try {
      return lexWords(text, { escape, modern, valueOf: (name) => valueOf(name, line) }).text;
    } catch (error) {
      throw error instanceof BadWords ? notUnderstood(text, line, error) : error;
    }
  };
  for (const { name, value, line } of globals) {
    problems.delete(name);
    const argument = given.get(name);
    try {
      if (argument !== undefined) values.set(name, argument);
      else if (value !== undefined) values.set(name, replace(value, line));
      // Older builders take a name without a value for an empty value.
      else if (!modern) values.set(name, '');
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      // It matters when something uses it; older builders take it for empty.
      if (modern) problems.set(name, error);
      else values.set(name, '');
    }
  }
  return replace(stage.from, stage.line);
}

const onlyEngine = (name: string, line: number): Unreadable =>
  new Unreadable(line, `only the engine knows $${name}`, [
    'Give it a value: an ARG with a default, or source.build.args in the image manifest.',
  ]);

const notUnderstood = (text: string, line: number, error: BadWords): Unreadable =>
  new Unreadable(line, `${text}: ${error.message}`, [
    'Use $NAME, ${NAME}, ${NAME:-default} and ${NAME:+other} only: these are the same to all builders.',
  ]);
