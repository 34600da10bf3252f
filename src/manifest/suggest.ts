/** Number of insertions, deletions, substitutions and swaps of neighbours between two short words. */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          cell(i - 1, j) + 1,
          (row[j - 1] ?? 0) + 1,
          substitution,
          swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return cell(a.length, b.length);
}

/** The word that was probably meant: at most two slips away, or one begins with the other; case does not count. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > 64) return undefined;
  const wanted = word.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, slips: slipsBetween(wanted, candidate.toLowerCase()) }))
    .filter(({ slips, candidate }) => slips < Math.min(3, candidate.length))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate;
}

function slipsBetween(wanted: string, candidate: string): number {
  const slips = distance(wanted, candidate);
  const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted];
  return short.length >= 3 && long.startsWith(short) ? Math.min(slips, 2) : slips;
}
