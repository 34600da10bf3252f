import type { Dialect } from './dialect.ts';
import { blanks, isSpace, trimStart } from './go-text.ts';
import { Unreadable } from './unreadable.ts';

/** Words at white space, quotes kept; the escape character and what follows it stay together. For ARG, ENV and LABEL. */
export function quotedWords(text: string, escape: string): readonly string[] {
  const words: string[] = [];
  const characters = Array.from(text);
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (quote === '' && isSpace(character)) {
      if (word !== undefined && word !== '') words.push(word);
      word = undefined;
      continue;
    }
    word ??= '';
    if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    if (character === escape && quote !== "'") {
      const following = characters[at + 1];
      if (following === undefined) continue;
      word += character + following;
      at += 1;
    } else {
      word += character;
    }
  }
  if (word !== undefined && word !== '') words.push(word);
  return words;
}

/** Words at blanks, nothing else meant by anything. */
export const plainWords = (text: string): readonly string[] => (text === '' ? [] : text.split(blanks));

/**
 * The JSON form of an instruction's arguments; undefined when it is none, and then it is the shell form.
 * @throws Unreadable for an array of other things than strings
 */
export function jsonWords(text: string, dialect: Dialect, line: number): readonly string[] | undefined {
  const rest = trimStart(text);
  if (!rest.startsWith('[')) return undefined;
  const values = parseArray(dialect.wholeJson ? rest : firstValue(rest));
  if (!values) return undefined;
  if (values.every((value) => typeof value === 'string')) return values;
  throw new Unreadable(line, 'a JSON array here has strings only');
}

function parseArray(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && isGoJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `encoding/json` takes no number beyond 64 bit floats, and no more than 10,000 levels. */
function isGoJson(value: readonly unknown[]): boolean {
  let level: readonly unknown[] = value;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > 10_000 || level.some((each) => each === Infinity || each === -Infinity)) return false;
    level = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? (Object.values(each) as unknown[]) : [],
    );
  }
  return true;
}

/** Up to the bracket that closes the first: older builders do not look behind it. */
function firstValue(text: string): string {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && '[{'.includes(character)) depth += 1;
    else if (!quoted && ']}'.includes(character)) {
      depth -= 1;
      if (depth === 0) return text.slice(0, at + 1);
    }
  }
  return text;
}
