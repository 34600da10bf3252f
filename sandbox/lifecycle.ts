import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { callControl, readControl } from './control.ts';
import type { SandboxDescription } from './files.ts';
import { descriptionFile } from './files.ts';
import { readJson } from './store/files.ts';

export type SandboxStatus =
  | { readonly running: true; readonly description: SandboxDescription }
  | { readonly running: false; readonly description: SandboxDescription | undefined };

/** Asks the process itself: a pid that someone else has got meanwhile is not taken for a sandbox. */
export async function sandboxStatus(dir: string): Promise<SandboxStatus> {
  const directory = resolve(dir);
  const description = readJson(descriptionFile(directory)) as SandboxDescription | undefined;
  const control = readControl(join(directory, 'state'));
  const running = control !== undefined && (await callControl(control, 'GET', '/status'));
  return running && description ? { running, description } : { running: false, description };
}

const patience = 10_000;

/**
 * Stops the sandbox of a directory and waits until its process is gone.
 * @returns false when none runs there
 * @throws TIMEOUT when the process outlives its listeners
 */
export async function stopSandbox(dir: string): Promise<boolean> {
  const control = readControl(join(resolve(dir), 'state'));
  if (!control || !(await callControl(control, 'POST', '/stop'))) return false;
  if (control.pid === process.pid) return true;
  const end = Date.now() + patience;
  while (Date.now() < end) {
    if (!isAlive(control.pid)) return true;
    await delay(20);
  }
  throw new AmlpromoteError(
    'TIMEOUT',
    `The sandbox stopped serving, but its process ${control.pid} is still there.`,
    {
      nextSteps: [`Look at it (ps -p ${control.pid}) and end it if it is a sandbox.`],
    },
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
