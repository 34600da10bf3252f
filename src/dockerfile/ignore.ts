import { isTooLong, maxLineBytes, trim } from './go-text.ts';
import { BadPattern, compilePattern } from './ignore-pattern.ts';
import { BadExpression } from './linear-regex.ts';
import { Unreadable } from './unreadable.ts';

/** What a build context leaves out. */
export interface IgnoreRules {
  /**
   * @param path relative to the context, with `/`
   * @throws Unreadable where Docker's own two ways to ask come to different answers
   */
  ignores(path: string): boolean;
  /** Whether an exception (`!…`) may bring back something in that folder, which is ignored itself. */
  mayKeepIn(folder: string): boolean;
}

interface Rule {
  readonly line: number;
  readonly pattern: string;
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/** What is known of a path: which rules match it or a folder above, asked of all, and asked as Docker asks when it walks. */
interface Known {
  readonly all: readonly boolean[];
  readonly walked: readonly boolean[];
  readonly ignored: boolean;
}

/**
 * An ignore file, as Docker reads it (`moby/patternmatcher/ignorefile`) and applies it to a build context.
 * @throws Unreadable for a line that Docker refuses, or whose meaning is not sure
 */
export function parseIgnore(text: string): IgnoreRules {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, index) => parseRule(line, index + 1) ?? []);
  const folders = new Map<string, Known>();
  const exceptions = rules.filter(({ isException }) => isException).map(({ pattern }) => pattern);
  const arePlain = exceptions.every((pattern) => !/[*[\]?^\\]/.test(withoutTrailingStars(pattern)));

  const knowFolder = (folder: string): Known => {
    const known = folders.get(folder) ?? know(folder);
    folders.set(folder, known);
    return known;
  };
  const know = (path: string): Known => {
    const slash = path.lastIndexOf('/');
    const above = slash < 0 ? undefined : knowFolder(path.slice(0, slash));
    const own = rules.map((rule) => rule.matches(path));
    const all = own.map((match, index) => match || above?.all[index] === true);
    const walked: boolean[] = [];
    let ignored = false;
    for (const [index, { isException }] of rules.entries()) {
      // A rule that changes nothing is not asked, and then not known to match what is below.
      const match = above?.walked[index] === true || (isException === ignored && own[index] === true);
      walked.push(match);
      if (match) ignored = !isException;
    }
    return { all, walked, ignored };
  };

  return {
    ignores: (path) => {
      const known = know(path);
      let ignored = false;
      for (const [index, { isException }] of rules.entries())
        if (known.all[index] === true) ignored = !isException;
      if (ignored === known.ignored) return ignored;
      const at = rules.findLastIndex((_rule, index) => known.all[index] !== known.walked[index]);
      throw new Unreadable(rules[at]?.line ?? 1, `whether ${path} is ignored depends on how Docker asks`, [
        'Put this line before the exceptions (!…), or name what it is to ignore itself.',
      ]);
    },
    mayKeepIn: (folder) =>
      exceptions.length > 0 &&
      (!arePlain ||
        exceptions.some((pattern) => `${withoutTrailingStars(pattern)}/`.startsWith(`${folder}/`))),
  };
}

function parseRule(raw: string, line: number): Rule | undefined {
  if (isTooLong(raw)) throw new Unreadable(line, `it has more than ${maxLineBytes} bytes`);
  if (raw.startsWith('#')) return undefined;
  const trimmed = trim(raw);
  if (trimmed === '') return undefined;
  const isException = trimmed.startsWith('!');
  const written = isException ? trim(trimmed.slice(1)) : trimmed;
  const cleaned = written === '' ? '' : cleanPath(written);
  const relative = cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned;
  const whole = cleanPath(trim((isException ? '!' : '') + relative));
  const pattern = whole.startsWith('!') ? whole.slice(1) : whole;
  if (pattern === '') throw new Unreadable(line, 'an exception (!) needs a pattern');
  try {
    return { line, pattern, isException: whole.startsWith('!'), matches: compilePattern(pattern) };
  } catch (error) {
    if (!(error instanceof BadPattern) && !(error instanceof BadExpression)) throw error;
    throw new Unreadable(line, `${pattern} is no pattern: ${error.message}`);
  }
}

/** Go's `filepath.Clean`. */
function cleanPath(path: string): string {
  const isRooted = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!isRooted) parts.push(part);
  }
  return `${isRooted ? '/' : ''}${parts.join('/')}` || '.';
}

const withoutTrailingStars = (pattern: string): string => pattern.replace(/\/\*\*$/, '').replace(/\/\*$/, '');
