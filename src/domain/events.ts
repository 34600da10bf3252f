import type { Digest } from './digest.ts';
import type { Verdict } from './verdict.ts';

export type StepName =
  'build' | 'scan' | 'publish' | 'sign' | 'release' | 'import' | 'verify' | 'register' | 'run';

/**
 * What a step tells while it works. Only `src/cli` prints. `effect` is emitted right after something durable was done
 * (a blob pushed, a tag set, an operation started): a test kills at each of them and runs again.
 */
export type ProgressEvent =
  | { readonly type: 'started'; readonly step: StepName; readonly subject: string }
  | {
      readonly type: 'finished';
      readonly step: StepName;
      readonly subject: string;
      readonly already: boolean;
      readonly detail: string;
      /** Of a step that judges: `detail` begins with it. */
      readonly verdict?: Verdict;
    }
  | { readonly type: 'effect'; readonly step: StepName; readonly effect: string; readonly subject: string }
  | { readonly type: 'note'; readonly step: StepName; readonly message: string }
  /** Of no step: who is waited for is known below them. */
  | {
      readonly type: 'waiting';
      readonly host: string;
      readonly milliseconds: number;
      readonly what: 'no connection' | 'no answer';
    }
  | { readonly type: 'log'; readonly step: StepName; readonly line: string }
  | {
      readonly type: 'bytes';
      readonly step: StepName;
      readonly digest: Digest;
      readonly done: number;
      readonly total: number;
    };

export type Progress = (event: ProgressEvent) => void;

export const silent: Progress = () => {};
