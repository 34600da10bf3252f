/**
 * Text without the run of these characters at its end. A regular expression (`/x+$/`) would begin anew at every character of a
 * run that does not end the text, which takes quadratic time.
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
