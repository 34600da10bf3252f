import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { parseIgnore } from '../../src/dockerfile/ignore.ts';
import { lexWords } from '../../src/dockerfile/shell-words.ts';
import { dockerfile } from './support/fragments.ts';
import { ignoreFile, path, tree } from './support/ignore-fragments.ts';
import type { Answer } from './support/oracle.ts';
import type { Need } from '../support/tools.ts';
import { needing } from '../support/tools.ts';
import { ask, classic, current, judged, readLines, reading } from './support/oracle.ts';
import { substitution } from './support/substitution-fragments.ts';

const oracles = { current, classic };

/** The program over BuildKit's parsers of that age. */
const oracleOf = (dialect: keyof typeof oracles): Need => ({
  name: `amlpromote-oracle-dockerfile${dialect === 'classic' ? '-classic' : ''}`,
  isHere: oracles[dialect] !== undefined,
});

/**
 * The same, or refused by us for a reason that is our own, or refused by them: then no image is built. Nothing may be read
 * that they read in another way.
 */
function isSame(t: ExecutionContext, ours: Answer, theirs: Answer, ownReasons: RegExp, about: unknown): void {
  if (theirs.error !== undefined) return;
  if (ours.error !== undefined && ownReasons.test(ours.error)) return;
  t.deepEqual(ours, theirs, JSON.stringify(about));
}

/** Refused by the part of BuildKit that comes after its parser. */
const laterReasons = /takes no variable|there is no FROM/;
/** What the parser of the judge refuses, and we leave to the engine: values of flags and arguments that name no image. */
const leftToTheEngine =
  /unknown flag|invalid field|exactly one arg|network mode|security|invalid.*device|Interval/i;

const compare = (t: ExecutionContext, text: string, dialect: 'current' | 'classic', answer: Answer): void => {
  const [ours, theirs] = [reading(text, dialect), judged(answer)];
  isSame(t, ours, theirs, laterReasons, [dialect, text]);
  if (theirs.error === undefined || ours.error !== undefined || dialect === 'classic') return;
  t.regex(theirs.error, leftToTheEngine, JSON.stringify(text));
};

interface Recorded {
  readonly text: string;
  readonly current: Answer;
  readonly classic: Answer;
}

test('every recorded Dockerfile is read as the parsers of BuildKit 0.34 and 0.8 read it', (t) => {
  const lines = readLines('recorded/dockerfiles.jsonl') as unknown as readonly Recorded[];
  t.true(lines.length >= 500);
  for (const { text, current: now, classic: before } of lines) {
    compare(t, text, 'current', now);
    compare(t, text, 'classic', before);
  }
});

for (const dialect of ['current', 'classic'] as const) {
  needing(oracleOf(dialect))(
    `Dockerfiles made at random are read as the ${dialect} parser reads them`,
    (t) => {
      const texts = fc.sample(dockerfile, 4000);
      const answers = ask(
        oracles[dialect]!,
        texts.map((text) => ({ kind: 'dockerfile', text })),
      );
      for (const [index, text] of texts.entries()) compare(t, text, dialect, answers[index] ?? {});
    },
  );
}

interface Word {
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tick: boolean;
}

function substituted({ text, env, tick }: Word, modern: boolean): Answer {
  try {
    return {
      value: lexWords(text, { escape: tick ? '`' : '\\', modern, valueOf: (name) => env[name] }).text,
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : '' };
  }
}

/** Forms that older builders lack: what they come to is not asked for, since a FROM with them is refused. */
const newer = /newer builders only/;

function compareWord(t: ExecutionContext, word: Word, dialect: 'current' | 'classic', theirs: Answer): void {
  const ours = substituted(word, dialect === 'current');
  isSame(t, ours, theirs, newer, [dialect, word]);
  if (theirs.error !== undefined) t.not(ours.error, undefined, JSON.stringify(word));
}

test('every recorded word has its variables replaced as the lexers of BuildKit 0.34 and 0.8 do', (t) => {
  const lines = readLines('recorded/substitutions.jsonl') as unknown as readonly (Word & Recorded)[];
  t.true(lines.length >= 400);
  for (const line of lines) {
    compareWord(t, line, 'current', line.current);
    compareWord(t, line, 'classic', line.classic);
  }
});

for (const dialect of ['current', 'classic'] as const) {
  needing(oracleOf(dialect))(`words made at random come out as with the ${dialect} lexer`, (t) => {
    const words = fc.sample(substitution, 3000);
    const answers = ask(
      oracles[dialect]!,
      words.map((word) => ({ kind: 'substitute', ...word })),
    );
    for (const [index, word] of words.entries()) compareWord(t, word, dialect, answers[index] ?? {});
  });
}

/** `unsure` for a path about which Docker's own two ways to ask differ. */
function ignoring(
  text: string,
  paths: readonly string[],
): { error?: string; ignored?: Record<string, unknown> } {
  try {
    const rules = parseIgnore(text);
    const ask = (each: string): boolean | 'unsure' => {
      try {
        return rules.ignores(each);
      } catch {
        return 'unsure';
      }
    };
    return { ignored: Object.fromEntries(paths.map((each) => [each, ask(each)])) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : '' };
  }
}

/** Docker finds out when it matches, or not at all. */
const stricter = /is no pattern/;

function compareIgnored(t: ExecutionContext, text: string, paths: readonly string[], theirs: Answer): void {
  const ours = ignoring(text, paths);
  if (theirs.error !== undefined) t.not(ours.error, undefined, JSON.stringify(text));
  else if (ours.error !== undefined) t.regex(ours.error, stricter, JSON.stringify(text));
  else {
    for (const [each, answer] of Object.entries(ours.ignored ?? {})) {
      if (answer !== 'unsure') t.is(answer, theirs.ignored?.[each], JSON.stringify([text, each]));
    }
  }
}

test('every recorded ignore file ignores what Docker’s matcher ignores', (t) => {
  const lines = readLines('recorded/ignores.jsonl') as unknown as readonly (Answer & {
    readonly text: string;
    readonly paths: readonly string[];
  })[];
  t.true(lines.length >= 300);
  for (const { text, paths, ...answer } of lines) compareIgnored(t, text, paths, answer);
});

needing(oracleOf('current'))('ignore files made at random ignore what Docker’s matcher ignores', (t) => {
  const questions = fc.sample(fc.tuple(ignoreFile, fc.array(path, { minLength: 1, maxLength: 6 })), 4000);
  const answers = ask(
    current!,
    questions.map(([text, paths]) => ({ kind: 'dockerignore', text, paths })),
  );
  for (const [index, [text, paths]] of questions.entries())
    compareIgnored(t, text, paths, answers[index] ?? {});
});

needing(oracleOf('current'))(
  'what is sent of trees made at random is what BuildKit’s own transfer sends',
  (t) => {
    const questions = fc.sample(fc.tuple(ignoreFile, tree), 400);
    const answers = ask(
      current!,
      questions.map(([text, paths]) => ({ kind: 'tree', text, paths })),
    );
    for (const [index, [text, paths]] of questions.entries()) {
      const ours = sent(text, paths);
      if (ours) t.deepEqual(ours, answers[index]?.transferred, JSON.stringify([text, paths]));
    }
  },
);

/** A walk over a tree that is only a list; undefined where it is refused. */
function sent(text: string, files: readonly string[]): readonly string[] | undefined {
  try {
    const rules = parseIgnore(text);
    const visit = (folder: string): readonly string[] => {
      const start = folder === '' ? '' : `${folder}/`;
      const below = files.filter((file) => file.startsWith(start));
      const names = new Set(below.map((file) => file.slice(start.length).split('/', 1)[0] ?? ''));
      return [...names].flatMap((name) => {
        const each = start + name;
        const ignored = rules.ignores(each);
        if (files.includes(each)) return ignored ? [] : [each];
        return !ignored || rules.mayKeepIn(each) ? visit(each) : [];
      });
    };
    return [...visit('')].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch {
    return undefined;
  }
}
