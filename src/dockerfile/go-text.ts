/**
 * Text as Go sees it, where that is not how JavaScript sees it: a Dockerfile is read by programs written in Go.
 */

/** `unicode.IsSpace`: U+0085 is one, U+FEFF is none. */
const spaces = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

export const isSpace = (character: string): boolean => spaces.test(character);

/** `strings.TrimLeftFunc(text, unicode.IsSpace)`. */
export function trimStart(text: string): string {
  let at = 0;
  while (at < text.length && isSpace(text.charAt(at))) at += 1;
  return text.slice(at);
}

/** `strings.TrimSpace`. */
export function trim(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end -= 1;
  return trimStart(text.slice(0, end));
}

/** Takes all carriage returns off the end. */
export function trimReturns(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\r') end -= 1;
  return text.slice(0, end);
}

/** `strings.ToLower`: one character at a time, so that U+0130 is a plain `i`. */
export const lower = (text: string): string =>
  Array.from(text, (character) => (character === '\u0130' ? 'i' : character.toLowerCase())).join('');

/** Tab, vertical tab, form feed, carriage return, space: what parts words in a Dockerfile. */
export const blanks = /[\t\v\f\r ]+/;

/** What a line of a `bufio.Scanner` may have (its end not counted): 64 KiB less one byte. */
export const maxLineBytes = 64 * 1024 - 1;

const encoder = new TextEncoder();

/** True for a line that a `bufio.Scanner` gives up on. */
export const isTooLong = (line: string): boolean =>
  line.length > maxLineBytes ||
  (line.length * 3 > maxLineBytes && encoder.encode(line).length > maxLineBytes);
