import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { RunningSandbox } from '../../sandbox/index.ts';
import { engineHost } from '../support/test-engine.ts';
import { startTestSandbox } from '../../sandbox/test/support/sandbox.ts';
import type { Need } from '../support/tools.ts';

/** Programs that `npm run test:strangers` has installed; nothing is looked for elsewhere, so the usual suite stays as fast as it is. */
export const programs = {
  az: process.env.AMLPROMOTE_STRANGERS_AZ,
  /** A Python with azure-ai-ml. */
  python: process.env.AMLPROMOTE_STRANGERS_PYTHON,
  conformance: process.env.AMLPROMOTE_STRANGERS_CONFORMANCE,
} as const;

/** Only a few commands of each. */
export const isSample = process.env.AMLPROMOTE_STRANGERS_SAMPLE === '1';

const names = { az: 'azure-cli', python: 'azure-ai-ml', conformance: 'the conformance suite' } as const;

/** A program that the leg has installed; in a sample it is only there for the tests that are part of one. */
export const stranger = (program: keyof typeof programs, inSample = false): Need => ({
  name: `${names[program]} by npm run test:strangers`,
  isHere: programs[program] !== undefined && (inSample || !isSample),
});

export interface Ran {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export type Run = (program: string, ...args: string[]) => Promise<Ran>;

const cli = path.resolve(import.meta.dirname, '../../bin/dev.js');

/** A sandbox on port 443, and programs in its shell, from either side. */
export async function startForStrangers(
  t: ExecutionContext,
): Promise<{ readonly sandbox: RunningSandbox; readonly run: (side: 'outside' | 'inside') => Run }> {
  t.timeout(15 * 60_000);
  const sandbox = await startTestSandbox(t, { tls443: true, engineHost });
  const { directory: dir } = sandbox.description;
  const run =
    (side: 'outside' | 'inside'): Run =>
    async (program, ...args) => {
      const shell = [cli, 'sandbox', 'shell', '--dir', dir, '--side', side, '--', program, ...args];
      const done = await execa(process.execPath, shell, {
        reject: false,
        stdin: 'ignore',
        timeout: 10 * 60_000,
        // check-health would ask a real engine to pull from the internet.
        env: { DOCKER_HOST: 'unix:///nonexistent/engine.sock', NO_COLOR: '1', TERM: 'dumb' },
      });
      t.log(
        `$ ${[path.basename(program), ...args.map((word) => word.slice(0, 80))].join(' ')} → ${done.exitCode ?? 'killed'}`,
      );
      if (done.stderr) t.log(done.stderr.slice(0, 2000));
      return { code: done.exitCode, stdout: done.stdout, stderr: done.stderr };
    };
  return { sandbox, run };
}
