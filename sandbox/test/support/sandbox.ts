import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { RunningSandbox, SandboxOptions } from '../../index.ts';
import { startSandbox } from '../../index.ts';

/** A sandbox in this process and a directory of its own; stopped and removed when the test ends. */
export async function startTestSandbox(
  t: ExecutionContext,
  options: Partial<SandboxOptions> = {},
): Promise<RunningSandbox> {
  const dir = options.dir ?? temporaryDirectory(t);
  const sandbox = await startSandbox({ ...options, dir });
  t.teardown(() => sandbox.stop());
  return sandbox;
}

/** Removed when the test ends, after everything that was set up in it later. */
export function temporaryDirectory(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'amlpromote-sandbox-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}
