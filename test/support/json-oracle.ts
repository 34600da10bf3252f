import { execFileSync } from 'node:child_process';
import { findTool } from './tools.ts';

/** A question to `test/oracles/json`; `document` is base64. */
export type JsonQuestion =
  | { readonly ask: 'version' | 'runes' }
  | { readonly ask: 'spelling'; readonly known: string; readonly spelling: string }
  | { readonly ask: 'manifest' | 'index' | 'config'; readonly document: string };

export interface JsonAnswer {
  readonly version?: string;
  /** Whether Go stores a member of that spelling in the field of the known name. */
  readonly takes: boolean;
  readonly folds?: readonly number[];
  readonly error?: string;
  /** What Go read, written out again by Go. */
  readonly read?: unknown;
}

/** Program of `test/oracles/json`, for `needing`. */
export const jsonOracle = 'amlpromote-oracle-json';

const program = findTool(jsonOracle);

/** What Go's encoding/json says, in the order of the questions. */
export function askGo(questions: readonly JsonQuestion[]): readonly JsonAnswer[] {
  if (program === undefined) throw new TypeError(`${jsonOracle} is not here`);
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const output = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 1024 * 1024 * 1024 });
  const answers = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonAnswer);
  if (answers.length !== questions.length) throw new TypeError('the oracle did not answer every question');
  return answers;
}
