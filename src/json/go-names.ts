/**
 * A name as Go's `encoding/json` compares it with the names of a struct's fields (fold.go, `foldName`): simple Unicode
 * folding, so that the long s (U+017F) is an `s` and the Kelvin sign (U+212A) a `k`, and no other letter beyond ASCII is an
 * ASCII one. Exact wherever one of the two names is ASCII, as every name of a specification that we read is. Not
 * `toLowerCase`, which leaves the long s alone.
 */
export const foldName = (name: string): string =>
  name
    .replaceAll('\u017f', 's')
    .replaceAll('\u212a', 'k')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The known name that Go's decoder takes a key for although it is spelt otherwise. */
export function misspelt(key: string, known: readonly string[]): string | undefined {
  if (known.includes(key)) return undefined;
  const folded = foldName(key);
  return known.find((name) => foldName(name) === folded);
}
