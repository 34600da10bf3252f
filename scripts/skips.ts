/** Why tests were skipped: what their titles say they need, `… (needs cosign, skopeo)`, counted. */
export class Skips {
  readonly #counts = new Map<string, number>();
  readonly #unexplained: string[] = [];

  add(title: string): void {
    const reason = /\(needs ([^()]+)\)$/.exec(title)?.[1];
    if (reason === undefined) this.#unexplained.push(title);
    else this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** Titles that do not say what the test needs: nobody could tell such a skip from a test that was switched off. */
  get unexplained(): readonly string[] {
    return this.#unexplained;
  }

  /** `7 need docker-registry`, the most frequent first. */
  lines(): readonly string[] {
    return [...this.#counts]
      .sort(([a, m], [b, n]) => n - m || a.localeCompare(b, 'en'))
      .map(([reason, count]) => `${String(count)} ${count === 1 ? 'needs' : 'need'} ${reason}`);
  }
}
