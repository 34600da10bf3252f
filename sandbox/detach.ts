import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { makeDirectory } from '../src/files/make-directory.ts';
import type { SandboxDescription } from './files.ts';
import { sandboxStatus } from './lifecycle.ts';

/** `main.ts` from source, `main.js` from a build. */
const program = new URL(`./main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/**
 * Starts a sandbox that outlives this process, and waits until it serves. One that runs there already is fine.
 * @throws USAGE when that one does not listen on port 443 although it should; SERVICE_FAILED with the end of its log when it does not come up
 */
export async function startDetached(options: {
  readonly dir: string;
  readonly engineHost?: string | undefined;
  readonly tls443?: boolean;
}): Promise<SandboxDescription> {
  const directory = resolve(options.dir);
  const status = await sandboxStatus(directory);
  if (status.running) {
    if (options.tls443 === true && status.description.tls443 === undefined)
      throw new AmlpromoteError('USAGE', `The sandbox in ${directory} runs without --tls-443.`, {
        nextSteps: ['Stop it with `amlpromote sandbox stop` and start it again; its state stays.'],
      });
    return status.description;
  }
  makeDirectory(join(directory, 'state'), 0o700);
  const logPath = join(directory, 'state', 'sandbox.log');
  const log = openSync(logPath, 'w', 0o600);
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(program),
      ...(options.tls443 === true ? ['--tls-443'] : []),
      '--',
      directory,
      ...(options.engineHost === undefined ? [] : [options.engineHost]),
    ],
    { detached: true, stdio: ['ignore', 'pipe', log] },
  );
  const stdout = child.stdout;
  if (!stdout) throw new Error('no stdout although it was asked for');
  closeSync(log);
  // The first line is the description; without one the process has ended.
  const line = await firstLine(stdout);
  stdout.destroy();
  child.unref();
  if (line !== undefined) return JSON.parse(line) as SandboxDescription;
  throw new AmlpromoteError('SERVICE_FAILED', `The sandbox did not start: ${tail(logPath)}`, {
    nextSteps: [`Read ${logPath}.`],
  });
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}

const tail = (path: string): string => readFileSync(path, 'utf8').trim().slice(-500);
