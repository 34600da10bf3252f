/** What a TAP stream (ava's, version 13) says so far. Not a TAP library: just what the last line of `npm test` needs. */
export interface TapTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export type TapEvent =
  | { readonly type: 'passed' | 'skipped'; readonly title: string }
  | { readonly type: 'failed'; readonly title: string; readonly details: readonly string[] };

/**
 * Feed it lines; it calls back for each test. A crash, a timeout and a file that does not load are `not ok` lines and count
 * as failed; tests that never ran because their file died appear only in ava's own sum (`# fail`), so the larger one holds.
 */
export class TapReader {
  readonly #onEvent: (event: TapEvent) => void;
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  #reportedFailures = 0;
  #planned = false;
  #failure: { title: string; details: string[] } | undefined;

  constructor(onEvent: (event: TapEvent) => void) {
    this.#onEvent = onEvent;
  }

  line(line: string): void {
    const test = /^(not )?ok \d+(?: - (.*?))?(?: (# (?:SKIP|TODO)))?$/.exec(line);
    if (test) {
      this.#closeFailure();
      this.#test(test[2] ?? '', { passed: test[1] === undefined, directive: test[3] });
    } else if (/^1\.\.\d+$/.test(line)) {
      this.#closeFailure();
      this.#planned = true;
    } else if (/^# fail \d+$/.test(line)) {
      this.#reportedFailures = Number(line.slice('# fail '.length));
    } else if (this.#failure && /^(?: {2}|# )/.test(line)) {
      this.#failure.details.push(line);
    }
  }

  /** @param exitCode of the test runner: whatever the stream says, a runner that failed or did not finish is a failure. */
  end(exitCode: number | undefined): TapTotals {
    this.#closeFailure();
    const failed = Math.max(this.#failed, this.#reportedFailures);
    const finished = this.#planned && exitCode === 0;
    return {
      passed: this.#passed,
      failed: failed === 0 && !finished ? 1 : failed,
      skipped: this.#skipped,
    };
  }

  #test(title: string, { passed, directive }: { passed: boolean; directive: string | undefined }): void {
    if (directive !== undefined) {
      this.#skipped += 1;
      this.#onEvent({ type: 'skipped', title });
    } else if (passed) {
      this.#passed += 1;
      this.#onEvent({ type: 'passed', title });
    } else {
      this.#failed += 1;
      this.#failure = { title, details: [] };
    }
  }

  /** The details follow the `not ok` line, so a failure is told when the next thing begins. */
  #closeFailure(): void {
    if (this.#failure) this.#onEvent({ type: 'failed', ...this.#failure });
    this.#failure = undefined;
  }
}
