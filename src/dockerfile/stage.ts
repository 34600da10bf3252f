import type { Mount } from './mounts.ts';

/** An image or a stage that an instruction takes files from. */
export interface Use {
  /** As written: no builder replaces variables here. */
  readonly reference: string;
  readonly by: 'copy' | 'mount';
  /** Counted from 1. */
  readonly line: number;
}

/** A source of `ADD` that is fetched, or may be: it begins with a variable. */
export interface Remote {
  readonly source: string;
  readonly line: number;
}

/** What instructions take from elsewhere. */
export interface Inputs {
  /** What `COPY --from` and `RUN --mount=…,from=` name. */
  readonly uses: readonly Use[];
  readonly mounts: readonly Mount[];
  readonly remotes: readonly Remote[];
}

/** An instruction that is done by whoever builds on the stage. */
export interface Trigger extends Inputs {
  /** The instruction behind `ONBUILD`. */
  readonly text: string;
  readonly line: number;
  /** Why no builder could do it. */
  readonly problem?: string;
}

/** One stage of a Dockerfile: from one `FROM` to the next. */
export interface Stage extends Inputs {
  /** As written: variables not replaced. */
  readonly from: string;
  /** `AS name`, lower-case. */
  readonly name: string | undefined;
  /** `--platform`, as written. */
  readonly platform: string | undefined;
  readonly line: number;
  /** Names that its `ARG`s declare. */
  readonly args: readonly string[];
  readonly onBuild: readonly Trigger[];
}

/** A name that an `ARG` before the first `FROM` declares. */
export interface GlobalArg {
  readonly name: string;
  /** As written, with quotes and variables. */
  readonly value: string | undefined;
  readonly line: number;
}
