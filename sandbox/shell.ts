import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { clientFiles, clientVariables } from './clients.ts';
import type { Vantage } from './http.ts';
import { sandboxStatus } from './lifecycle.ts';

export interface ShellOptions {
  readonly dir: string;
  readonly side: Vantage;
  /** Program and arguments; never through a shell. */
  readonly command: readonly [string, ...string[]];
  /** What the program gets beside the sandbox's own variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where its output goes; default stdout. */
  readonly stdout?: 'stdout' | 'stderr';
  /** Ends the program with SIGTERM. */
  readonly signal?: AbortSignal;
}

/** `$1` is the hosts file; the mount is the namespace's own and is gone with its last process. */
const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';

/**
 * Runs a program for which the names of Azure lead to the sandbox, and for nobody else: in a mount namespace of its own
 * (mount_namespaces(7)) whose `/etc/hosts` is the sandbox's. Without root in a user namespace too.
 * @returns its exit code; 128 + the number of the signal that ended it
 * @throws USAGE when no sandbox with --tls-443 runs there, or this machine has no such namespaces
 */
export async function runInShell(options: ShellOptions): Promise<number> {
  const { side, command, environment } = options;
  const status = await sandboxStatus(options.dir);
  if (!status.running || status.description.tls443 === undefined)
    throw new AmlpromoteError(
      'USAGE',
      status.running
        ? `The sandbox in ${options.dir} does not listen on port 443.`
        : `No sandbox runs in ${options.dir}.`,
      { nextSteps: ['Start it (after `sandbox stop`) with `amlpromote sandbox start --tls-443`.'] },
    );
  const { directory } = status.description;
  const variables = clientVariables(directory, side);
  // Names of the sandbox are never a proxy's business; what the caller excepted stays so.
  const own = environment['NO_PROXY'] ?? environment['no_proxy'] ?? '';
  const noProxy = [variables['NO_PROXY'], own].filter((list) => list !== '').join(',');
  const child = spawn(
    'unshare',
    [...namespaces(), '--', 'sh', '-c', script, 'sh', clientFiles(directory, side).hosts, ...command],
    {
      stdio: ['inherit', options.stdout === 'stderr' ? 2 : 'inherit', 'inherit'],
      env: { ...environment, ...variables, NO_PROXY: noProxy, no_proxy: noProxy },
    },
  );
  options.signal?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new AmlpromoteError('USAGE', 'This machine has no program `unshare`, which makes the namespace.', {
          nextSteps: [
            'Install util-linux (Linux only), or use the hosts lines and variables yourself: docs/sandbox.md.',
          ],
          cause,
        }),
      );
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Root needs no other user; anybody else becomes able to mount in a user namespace, as himself (unshare(1)). */
const namespaces = (): string[] =>
  process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-current-user', '--keep-caps', '--mount'];
