import { shortHex } from '../domain/digest.ts';
import type { Progress, ProgressEvent, StepName } from '../domain/events.ts';
import { bytes, clean, duration } from './text.ts';

export interface ProgressOutput {
  write(text: string): void;
  /** Columns of a terminal; undefined for a pipe. */
  readonly columns?: number | undefined;
  readonly color: boolean;
}

const label = (step: StepName): string => step.padEnd(9);

/**
 * Turns events into lines on stderr. A terminal also gets one live line with bytes and rate that is wiped when something
 * else is printed; a pipe gets plain lines only.
 */
export function createProgress(
  output: ProgressOutput,
  now: () => number = () => performance.now(),
): Progress {
  const started = new Map<StepName, number>();
  const live = liveLine(output, now);
  const paint = (code: number, text: string): string =>
    output.color ? `\u001B[${code}m${text}\u001B[0m` : text;
  const line = (step: StepName, text: string): void => {
    live.clear();
    output.write(`${paint(36, label(step))} ${text}\n`);
  };
  return (event: ProgressEvent) => {
    switch (event.type) {
      case 'started':
        started.set(event.step, now());
        live.reset();
        line(event.step, clean(event.subject));
        break;
      case 'finished': {
        const took = duration(now() - (started.get(event.step) ?? now()));
        line(event.step, `${outcome(event, paint)} ${clean(event.detail)} ${paint(2, `(${took})`)}`);
        break;
      }
      case 'note':
        line(event.step, `${paint(33, 'note')}: ${clean(event.message)}`);
        break;
      case 'waiting': {
        live.clear();
        const { host, milliseconds, what } = event;
        output.write(`${paint(33, 'waiting')} for ${clean(host)}: ${what} for ${duration(milliseconds)}\n`);
        break;
      }
      case 'log':
        live.clear();
        output.write(`${paint(2, `${label(event.step)} | ${clean(event.line)}`)}\n`);
        break;
      case 'bytes':
        live.update(event);
        break;
      case 'effect':
        break;
    }
  };
}

type FinishedEvent = Extract<ProgressEvent, { type: 'finished' }>;

/** "Done", in green, is only for what may go on; any other verdict stands for itself. */
function outcome({ already, verdict }: FinishedEvent, paint: (code: number, text: string) => string): string {
  if (verdict === 'refused') return paint(31, 'x');
  if (verdict === 'inconclusive') return paint(33, '?');
  return `${already ? paint(2, '= already done') : paint(32, '+ done')}:`;
}

type BytesEvent = Extract<ProgressEvent, { type: 'bytes' }>;

function liveLine(
  output: ProgressOutput,
  now: () => number,
): { update: (event: BytesEvent) => void; clear: () => void; reset: () => void } {
  const active = new Map<string, BytesEvent>();
  let shown = false;
  let last = 0;
  let origin: { at: number; done: number } | undefined;
  let finishedBytes = 0;
  return {
    update(event) {
      if (output.columns === undefined) return;
      active.set(event.digest, event);
      const done = finishedBytes + [...active.values()].reduce((sum, item) => sum + item.done, 0);
      origin ??= { at: now(), done };
      if (event.done >= event.total) {
        active.delete(event.digest);
        finishedBytes += event.total;
      }
      if (now() - last < 100) return;
      last = now();
      const rate = (done - origin.done) / Math.max(0.001, (now() - origin.at) / 1000);
      const parts = [...active.values()].map(
        (item) =>
          `${shortHex(item.digest)} ${String(Math.floor((item.done / Math.max(1, item.total)) * 100))}%`,
      );
      const text = `${label(event.step)} ${bytes(done)} at ${bytes(rate)}/s  ${parts.join('  ')}`;
      output.write(`\r\u001B[2K${text.slice(0, output.columns - 1)}`);
      shown = true;
    },
    reset() {
      active.clear();
      origin = undefined;
      finishedBytes = 0;
    },
    clear() {
      if (shown) output.write('\r\u001B[2K');
      shown = false;
    },
  };
}
