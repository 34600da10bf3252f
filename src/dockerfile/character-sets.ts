/** Says of a character (a code point as text) whether it belongs to a set. */
export type CharacterSet = (character: string) => boolean;

const set =
  (pattern: RegExp): CharacterSet =>
  (character) =>
    pattern.test(character);

export const not =
  (inner: CharacterSet): CharacterSet =>
  (character) =>
    !inner(character);

const digit = set(/^[0-9]$/);
const word = set(/^[0-9A-Za-z_]$/);
const space = set(/^[\t\n\f\r ]$/);

/** `\d` and the like: ASCII (RE2 syntax, "Perl character classes"). */
export const perlClasses: ReadonlyMap<string, CharacterSet> = new Map([
  ['d', digit],
  ['D', not(digit)],
  ['w', word],
  ['W', not(word)],
  ['s', space],
  ['S', not(space)],
]);

/** `[:alpha:]` and the like (RE2 syntax, "ASCII character classes"). */
export const posixClasses: ReadonlyMap<string, CharacterSet> = new Map([
  ['alnum', set(/^[0-9A-Za-z]$/)],
  ['alpha', set(/^[A-Za-z]$/)],
  ['ascii', (character) => character <= '\x7f'],
  ['blank', set(/^[\t ]$/)],
  ['cntrl', (character) => character < ' ' || character === '\x7f'],
  ['digit', digit],
  ['graph', set(/^[!-~]$/)],
  ['lower', set(/^[a-z]$/)],
  ['print', set(/^[ -~]$/)],
  ['punct', set(/^[!-/:-@[-`{-~]$/)],
  ['space', set(/^[\t\n\v\f\r ]$/)],
  ['upper', set(/^[A-Z]$/)],
  ['word', word],
  ['xdigit', set(/^[0-9A-Fa-f]$/)],
]);

export const controls: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

export const isWord = word;
