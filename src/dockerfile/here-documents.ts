import type { Dialect } from './dialect.ts';
import { BadWords, TooDeep, lexWords } from './shell-words.ts';

export interface HereDocument {
  /** What ends it, quotes taken off. */
  readonly name: string;
  /** `<<-`: tabs before the end do not count. */
  readonly dash: boolean;
}

const spaced = /^\d*<<(-?)[\t\n\f\r ]*((?![\t\n\f\r ])[^<]*)$/;
const unspaced = /^\d*<<(-?)([^<]*)$/;

/**
 * The here-documents that an instruction's line opens (Dockerfile reference, "Here-Documents"). A line that cannot be taken
 * apart has none; the backslash escapes here whatever `# escape=` says. One look at each word: `<<` at its beginning.
 * @throws BadWords for a name that is no word
 */
export function hereDocumentsOf(line: string, dialect: Dialect): readonly HereDocument[] {
  if (!line.includes('<<')) return [];
  return wordsOf(line, dialect).flatMap((word) => parseHereDocument(word, dialect) ?? []);
}

function wordsOf(line: string, dialect: Dialect): readonly string[] {
  try {
    return lexWords(line, { ...lexing(dialect), keepsQuotes: true, keepsEscapes: true }).words;
  } catch (error) {
    if (error instanceof BadWords && !(error instanceof TooDeep)) return [];
    throw error;
  }
}

/** @throws BadWords */
export function parseHereDocument(word: string, dialect: Dialect): HereDocument | undefined {
  const [, dash, rest = ''] = (dialect.spacedHereDocuments ? spaced : unspaced).exec(word) ?? [];
  if (dash === undefined || rest === '') return undefined;
  const [name, ...more] = lexWords(rest, lexing(dialect)).words;
  if (name === undefined || more.length > 0) return undefined;
  return { name, dash: dash === '-' };
}

const lexing = (dialect: Dialect) => ({
  escape: '\\',
  valueOf: () => undefined,
  keepsUnset: true,
  modern: dialect.modernVariables,
});
