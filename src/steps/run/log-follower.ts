import { settledLine } from '../../domain/log-line.ts';
import type { RunPorts } from './ports.ts';

/** Lines kept for the report and for the message of a failure. */
const tailLines = 20;
const longestLine = 2000;
/** Reads of one look; each is at most what the adapter gives at once. */
const readsPerLook = 64;

/** Follows the log of one job: each line is told once, in order. What cannot be read is only missing. */
export interface LogFollower {
  /** Tells what is new. `last`: the job has ended, so a line without an end is a line too. */
  look(last: boolean): Promise<void>;
  /** The last lines; undefined when the log was never readable. */
  tail(): readonly string[] | undefined;
}

export function followLog(ports: Pick<RunPorts, 'jobs' | 'progress'>, job: string): LogFollower {
  let offset = 0;
  let rest = '';
  let readable = false;
  const lines: string[] = [];
  const tell = (text: string): void => {
    const line = settledLine(text).slice(0, longestLine);
    ports.progress({ type: 'log', step: 'run', line });
    if (line.trim() !== '') lines.push(line);
    if (lines.length > tailLines) lines.shift();
  };
  return {
    look: async (last) => {
      for (let read = 0; read < readsPerLook; read += 1) {
        const text = await ports.jobs.log(job, offset);
        if (text === undefined) break;
        readable = true;
        if (text === '') break;
        offset += Buffer.byteLength(text);
        const parts = (rest + text).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) tell(part);
        // A program that never ends its line must not fill the memory.
        if (rest.length > longestLine) {
          tell(rest);
          rest = '';
        }
      }
      if (last && rest !== '') {
        tell(rest);
        rest = '';
      }
    },
    tail: () => (readable ? [...lines] : undefined),
  };
}
