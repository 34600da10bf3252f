import { checkInstruction } from './checks.ts';
import type { Dialect } from './dialect.ts';
import { dialects } from './dialect.ts';
import type { Syntax } from './directives.ts';
import { detectSyntax } from './directives.ts';
import { needsBuildKit, readFlags } from './flags.ts';
import { lower } from './go-text.ts';
import { inputsOf } from './inputs.ts';
import type { Instruction } from './instructions.ts';
import { instructionsOf, splitLine } from './instructions.ts';
import type { GlobalArg, Inputs, Stage, Trigger } from './stage.ts';
import { Unreadable } from './unreadable.ts';
import { plainWords, quotedWords } from './words.ts';

export interface Dockerfile {
  readonly stages: readonly Stage[];
  /** `ARG`s before the first `FROM`: these, and no others, can be used in a `FROM`. In order; a name may come again. */
  readonly globals: readonly GlobalArg[];
  /** The same by name, with the last value. */
  readonly globalArgs: ReadonlyMap<string, string | undefined>;
  /** The image that BuildKit reads the Dockerfile with. */
  readonly syntax: Syntax | undefined;
  /** Something that only BuildKit understands. */
  readonly needsBuildKit: boolean;
  /** Lines of here-documents, the instruction's own left out: first and last. */
  readonly hereDocuments: readonly (readonly [number, number])[];
  /** What escapes: `# escape=`. */
  readonly escape: string;
}

/** A stage that is still being read. */
type OpenStage = { -readonly [K in keyof Stage]: Stage[K] extends readonly (infer E)[] ? E[] : Stage[K] };

const taking = new Set(['copy', 'add', 'run']);

/**
 * The part of the Dockerfile grammar that tells what a build starts from and takes from elsewhere, as builders of one
 * dialect read it. Most callers want `readDockerfile`.
 * @throws Unreadable for what no builder takes
 */
export function parseDockerfile(text: string, dialect: Dialect = dialects.current): Dockerfile {
  const stages: OpenStage[] = [];
  const globals: GlobalArg[] = [];
  const hereDocuments: [number, number][] = [];
  const syntax = detectSyntax(text, dialect);
  let forBuildKit = syntax !== undefined;
  let escape = '\\';
  let last = 1;
  for (const instruction of instructionsOf(text, dialect)) {
    const { word, line } = instruction;
    ({ escape, lastLine: last } = instruction);
    const stage = stages.at(-1);
    if (word === 'from') stages.push(stageOf(instruction));
    else if (word === 'arg') {
      const found = argsOf(instruction);
      if (stage) stage.args.push(...found.map(({ name }) => name));
      else globals.push(...found);
    } else if (taking.has(word)) {
      forBuildKit ||= needsBuildKit(readFlags(word, instruction.flags, line));
      add(stage, inputsOf(instruction, dialect));
    } else if (word === 'onbuild') {
      const trigger = triggerOf(instruction, dialect);
      stage?.onBuild.push(trigger);
    } else checkInstruction(instruction);
    if (!stage && word !== 'from' && word !== 'arg') {
      throw new Unreadable(line, `${word.toUpperCase()} stands before the first FROM`);
    }
    if (instruction.hereDocuments.length > 0) {
      forBuildKit = true;
      hereDocuments.push([line + 1, last]);
    }
  }
  if (stages.length === 0) throw new Unreadable(last, 'there is no FROM');
  return {
    stages,
    globals,
    globalArgs: new Map(globals.map(({ name, value }) => [name, value])),
    syntax,
    needsBuildKit: forBuildKit || usesPlatform(stages, globals),
    hereDocuments,
    escape,
  };
}

function add(stage: OpenStage | undefined, { uses, mounts, remotes }: Inputs): void {
  stage?.uses.push(...uses);
  stage?.mounts.push(...mounts);
  stage?.remotes.push(...remotes);
}

/** The beginning of a stage name; a dot, a dash and a low line may follow. */
const stageName = /^[a-z][a-z0-9\-_.]*$/;

function stageOf({ word, flags, rest, line }: Instruction): OpenStage {
  const [from = '', as, name, ...more] = plainWords(rest);
  if (from === '' || more.length > 0 || (as !== undefined && (name === undefined || !isAs(as)))) {
    throw new Unreadable(line, 'FROM takes an image, or an image AS a name');
  }
  if (name !== undefined && !stageName.test(lower(name))) {
    throw new Unreadable(
      line,
      `${name} is no name for a stage: a letter, then letters, digits, dots, dashes`,
    );
  }
  const platform = readFlags(word, flags, line).get('platform')?.[0];
  return {
    ...{ from, name: name === undefined ? undefined : lower(name), line },
    platform: platform === '' ? undefined : platform,
    ...{ uses: [], mounts: [], remotes: [], args: [], onBuild: [] },
  };
}

/** As `strings.EqualFold` compares: U+017F is an s. */
const isAs = (word: string): boolean => /^a[s\u017f]$/i.test(word);

function argsOf({ rest, line, escape }: Instruction): readonly GlobalArg[] {
  const words = quotedWords(rest, escape);
  if (words.length === 0) throw new Unreadable(line, 'ARG lacks a name');
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at === 0) throw new Unreadable(line, 'ARG lacks a name');
    return at < 0
      ? { name: word, value: undefined, line }
      : { name: word.slice(0, at), value: word.slice(at + 1), line };
  });
}

/** It is read for good when a stage builds on it: with the backslash, whatever `# escape=` says here. */
function triggerOf({ flags, rest, line }: Instruction, dialect: Dialect): Trigger {
  readFlags('onbuild', flags, line);
  const text = rest;
  const head = splitLine(text, '\\', dialect, line);
  if (head.word === '') throw new Unreadable(line, 'ONBUILD lacks an instruction');
  if (['onbuild', 'from', 'maintainer'].includes(head.word)) {
    throw new Unreadable(line, `ONBUILD cannot have ${head.word.toUpperCase()}`);
  }
  const nothing = { uses: [], mounts: [], remotes: [] };
  if (!taking.has(head.word)) return { ...nothing, text, line };
  try {
    return { ...inputsOf({ ...head, line, escape: '\\' }, dialect), text, line };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ...nothing, text, line, problem: error.message };
  }
}

/** Builders before BuildKit do not know the platform in a FROM. */
const usesPlatform = (stages: readonly Stage[], globals: readonly GlobalArg[]): boolean =>
  [
    ...stages.flatMap(({ from, platform = '' }) => [from, platform]),
    ...globals.map(({ value = '' }) => value),
  ].some((text) => /\$\{?(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)/.test(text));
