import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface Ended {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One `amlpromote` in a process of its own, as a person or a pipeline would start it. */
export interface Command {
  readonly ended: Promise<Ended>;
  /** The first line of stderr that fits, of those to come and those that came; undefined when it ended without one. */
  line(pattern: RegExp): Promise<string | undefined>;
  kill(signal: 'SIGINT' | 'SIGKILL'): void;
}

const program = fileURLToPath(new URL('../../bin/dev.js', import.meta.url));

/** @param env the whole environment: nothing of this process's own reaches it */
export function startCommand(
  argv: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Command {
  const child = spawn(process.execPath, [program, ...argv], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const tellAll = (): void => {
    for (const look of waiting) look();
  };
  const reader = createInterface({ input: child.stderr });
  reader.on('line', (line) => {
    lines.push(line);
    tellAll();
  });
  let isOver = false;
  const read = once(reader, 'close').then(() => {
    isOver = true;
    tellAll();
  });
  const output = text(child.stdout);
  const ended = (async (): Promise<Ended> => {
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    await read;
    return { exitCode, signal, stdout: await output, stderr: lines.join('\n') };
  })();
  return {
    ended,
    line: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    kill: (signal) => void child.kill(signal),
  };
}
