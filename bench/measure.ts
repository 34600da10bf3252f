import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { searchPath } from './peers.ts';

export interface Sample {
  /** Seconds. */
  readonly wall: number;
  /** Seconds, user and system; undefined without GNU time. */
  readonly cpu: number | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
}

const gnuTime = '/usr/bin/time';

/** Runs a command to its end under GNU time. A failing command fails the benchmark: a fast failure is not a fast copy. */
export async function measure(argv: readonly string[]): Promise<Sample> {
  const folder = await mkdtemp(path.join(tmpdir(), 'amlpromote-bench-'));
  const report = path.join(folder, 'time');
  const timed = existsSync(gnuTime);
  const [command = '', ...rest] = timed ? [gnuTime, '-q', '-f', '%U %S %M', '-o', report, ...argv] : argv;
  try {
    const start = process.hrtime.bigint();
    const { code, output } = await run(command, rest);
    const wall = Number(process.hrtime.bigint() - start) / 1e9;
    if (code !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} … failed:\n${output.slice(-2000)}`);
    if (!timed) return { wall, cpu: undefined, memory: undefined };
    const [user = 0, system = 0, kilobytes = 0] = (await readFile(report, 'utf8'))
      .trim()
      .split(' ')
      .map(Number);
    return { wall, cpu: user + system, memory: kilobytes * 1024 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  command: string,
  argv: readonly string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, {
      env: { ...process.env, PATH: searchPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
