import { compileExpression } from './linear-regex.ts';

/** filepath.Match would not take it. */
export class BadPattern extends Error {}

/** What the matcher escapes. It means to escape `|`, `{` and `}` too, but does not. */
const plainEscapes = new Set(['.', '+', '(', ')', '$']);

/**
 * One line of an ignore file, cleaned, as Docker's matcher takes it (`moby/patternmatcher`): where only literal characters
 * and leading or trailing `**` occur it compares text; else it goes by a regular expression, in which brackets and escapes
 * mean what they mean there.
 * @throws BadPattern, BadExpression
 */
export function compilePattern(pattern: string): (path: string) => boolean {
  checkSyntax(pattern);
  const characters = Array.from(pattern);
  let at = characters[0] === '\uFEFF' ? 1 : 0;
  const first = at;
  let kind: 'exact' | 'prefix' | 'suffix' | 'expression' = 'exact';
  let expression = '';
  while (at < characters.length) {
    const character = characters[at] ?? '';
    const opening = at === first;
    at += 1;
    if (character === '*' && characters[at] === '*') {
      at += characters[at + 1] === '/' ? 2 : 1;
      if (at < characters.length) {
        expression += '(.*/)?';
        kind = 'expression';
      } else if (kind === 'exact') kind = 'prefix';
      else {
        expression += '.*';
        kind = 'expression';
      }
      if (opening) kind = 'suffix';
    } else if (character === '*' || character === '?') {
      expression += character === '*' ? '[^/]*' : '[^/]';
      kind = 'expression';
    } else if (character === '\\') {
      expression += `\\${characters[at] ?? ''}`;
      at += 1;
      kind = 'expression';
    } else {
      if (character === '[' || character === ']') kind = 'expression';
      expression += plainEscapes.has(character) ? `\\${character}` : character;
    }
  }
  if (kind === 'exact') return (path) => path === pattern;
  if (kind === 'prefix') return startsWith(pattern.slice(0, -2));
  // Go cuts two bytes off, which is the middle of the mark: what is left ends no name.
  if (kind === 'suffix') return first > 0 ? () => false : endsWith(pattern.slice(2));
  return compileExpression(expression);
}

const startsWith =
  (beginning: string) =>
  (path: string): boolean =>
    path.startsWith(beginning);

/** `**` before a folder may also be no folder at all. */
const endsWith =
  (ending: string) =>
  (path: string): boolean =>
    path.endsWith(ending) || (ending.startsWith('/') && path === ending.slice(1));

/** As `path/filepath.Match` (Go): closed brackets with something in them, no escape at the end. */
function checkSyntax(pattern: string): void {
  const characters = Array.from(pattern);
  let at = 0;
  const member = (): void => {
    if (characters[at] === '\\') at += 1;
    else if (characters[at] === '-' || characters[at] === ']') at = characters.length;
    at += 1;
    if (at >= characters.length) throw new BadPattern('the brackets are not right');
  };
  while (at < characters.length) {
    const character = characters[at];
    at += 1;
    if (character === '\\') {
      if (at >= characters.length) throw new BadPattern('an escape at its end escapes nothing');
      at += 1;
    } else if (character === '[') {
      if (characters[at] === '^') at += 1;
      let members = 0;
      while (members === 0 || characters[at] !== ']') {
        member();
        if (characters[at] === '-') {
          at += 1;
          member();
        }
        members += 1;
      }
      at += 1;
    }
  }
}
