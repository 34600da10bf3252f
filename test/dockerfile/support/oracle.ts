import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dialects } from '../../../src/dockerfile/dialect.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { Unreadable } from '../../../src/dockerfile/unreadable.ts';
import { findTool } from '../../support/tools.ts';

export const current = findTool('amlpromote-oracle-dockerfile');
export const classic = findTool('amlpromote-oracle-dockerfile-classic');

/** Asks a judge; one answer for each question, in order. */
export function ask(oracle: string, questions: readonly object[]): readonly Answer[] {
  const { stdout, status } = spawnSync(oracle, {
    input: questions.map((question) => JSON.stringify(question)).join('\n'),
    maxBuffer: 1024 ** 3,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (status !== 0) throw new Error(`${oracle} ended with ${String(status)}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

export interface Answer {
  readonly error?: string;
  readonly stages?: readonly object[];
  readonly syntax?: string;
  readonly value?: string;
  readonly ignored?: Readonly<Record<string, boolean>>;
  readonly archived?: readonly string[];
  readonly transferred?: readonly string[];
}

/** Lines of a file of JSON lines beside the tests; the first may say where the others come from. */
export const readLines = (name: string): readonly Readonly<Record<string, unknown>>[] =>
  readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter((line) => !('about' in line));

/** Our reading in the judge's form; `error` where we refuse. */
export function reading(text: string, dialect: keyof typeof dialects): Answer {
  try {
    const { stages, syntax } = parseDockerfile(text, dialects[dialect]);
    return {
      stages: stages.map(({ from, name, line, uses }) => ({
        from,
        ...(name === undefined ? {} : { name }),
        line,
        uses: uses.map(({ reference, by }) => ({ reference, by })),
      })),
      syntax: syntax?.image ?? '',
    };
  } catch (error) {
    if (error instanceof Unreadable) return { error: `line ${error.line}: ${error.message}` };
    throw error;
  }
}

/** The judge's answer, cut to what both say. */
export const judged = ({ error, stages, syntax }: Answer): Answer =>
  error === undefined
    ? {
        stages: (stages ?? []).map((stage) => {
          const { from, name, line, uses } = stage as Record<string, unknown>;
          return { from, ...(name === undefined ? {} : { name }), line, uses };
        }),
        syntax: syntax ?? '',
      }
    : { error };
