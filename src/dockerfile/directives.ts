import type { Dialect } from './dialect.ts';
import { lower, trimStart } from './go-text.ts';
import { Unreadable } from './unreadable.ts';
import { withoutTrailing } from '../domain/trim.ts';

/** `key = value` behind the comment sign: ASCII white space, as Go's `\s` has it. */
const directive = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=([^\n]*)$/;
const white = '\t\n\f\r ';

/** @returns key (lower-case) and value, or undefined for what is none */
function parseDirective(line: string, sign: string, dialect: Dialect): readonly [string, string] | undefined {
  if (!line.startsWith(sign)) return undefined;
  const behind = line.slice(sign.length);
  const [, key, rest] =
    directive.exec(dialect.unicodeDirectives ? trimStart(behind) : behind.replace(/^[\t\n\f\r ]+/, '')) ?? [];
  const value = withoutTrailing((rest ?? '').replace(/^[\t\n\f\r ]+/, ''), white);
  return key === undefined || value === '' ? undefined : [lower(key), value];
}

const known = (key: string, dialect: Dialect): boolean =>
  key === 'syntax' || key === 'escape' || (key === 'check' && dialect.checkDirective);

/** Reads directives line by line until the first line that is none (Dockerfile reference, "Parser directives"). */
export class DirectiveReader {
  readonly #dialect: Dialect;
  readonly #sign: string;
  readonly #seen = new Set<string>();
  #done = false;

  constructor(dialect: Dialect, sign = '#') {
    this.#dialect = dialect;
    this.#sign = sign;
  }

  /**
   * @param line white space at its beginning taken off, as the caller's rules have it
   * @throws Unreadable for a directive that comes twice
   */
  read(line: string, number: number): readonly [string, string] | undefined {
    if (this.#done) return undefined;
    const found = parseDirective(line, this.#sign, this.#dialect);
    if (!found || !known(found[0], this.#dialect)) {
      this.#done = true;
      return undefined;
    }
    if (this.#seen.has(found[0])) {
      throw new Unreadable(number, `the directive ${found[0]} comes twice`);
    }
    this.#seen.add(found[0]);
    return found;
  }
}

/** The image that BuildKit hands the Dockerfile to. */
export interface Syntax {
  /** Its reference, without what is passed to it. */
  readonly image: string;
  readonly line: number;
}

/**
 * What BuildKit takes for the syntax directive. It looks for it by rules of its own: not behind white space, but behind a
 * `#!` line, behind `//`, or as JSON (`frontend/dockerfile/parser`, DetectSyntax).
 */
export function detectSyntax(text: string, dialect: Dialect): Syntax | undefined {
  let lines = (dialect.syntaxBehindMark ? text.replace(/^\uFEFF/, '') : text)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''));
  if (!dialect.strictSyntax) return looseSyntax(lines, dialect);
  const first = lines[0]?.startsWith('#!') === true ? 1 : 0;
  lines = lines.slice(first);
  const found =
    syntaxBehind('#', lines, dialect) ?? syntaxBehind('//', lines, dialect) ?? syntaxInJson(lines);
  return found && { image: found.value.split(' ', 1)[0] ?? '', line: found.line + first };
}

interface Found {
  readonly value: string;
  readonly line: number;
}

function syntaxBehind(sign: string, lines: readonly string[], dialect: Dialect): Found | undefined {
  const reader = new DirectiveReader(dialect, sign);
  try {
    for (const [index, line] of lines.entries()) {
      const found = reader.read(line, index + 1);
      if (!found) return undefined;
      if (found[0] === 'syntax') return { value: found[1], line: index + 1 };
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    // A directive that comes twice ends the search; the parser is the one to refuse it.
  }
  return undefined;
}

function syntaxInJson(lines: readonly string[]): Found | undefined {
  if (!/^[\t\r ]*\{/.test(lines.find((line) => /[^\t\r ]/.test(line)) ?? '')) return undefined;
  try {
    const body: unknown = JSON.parse(lines.join('\n'));
    if (typeof body !== 'object' || body === null || !('syntax' in body)) return undefined;
    return typeof body.syntax === 'string' ? { value: body.syntax, line: 1 } : undefined;
  } catch {
    return undefined;
  }
}

/** Before BuildKit 0.11 any `# key=value` could stand before it, and the last one counted. */
function looseSyntax(lines: readonly string[], dialect: Dialect): Syntax | undefined {
  let syntax: Syntax | undefined;
  for (const [index, line] of lines.entries()) {
    const found = parseDirective(line, '#', dialect);
    if (!found) break;
    if (found[0] === 'syntax') syntax = { image: found[1].split(' ', 1)[0] ?? '', line: index + 1 };
  }
  return syntax;
}
