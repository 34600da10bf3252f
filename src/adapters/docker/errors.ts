import { AmlpromoteError } from '../../domain/errors.ts';

/** How to get an engine, for a person who has none. */
export const getAnEngine: readonly string[] = [
  'Start Docker (sudo systemctl start docker) or Podman (systemctl --user start podman.socket), or install one: apt-get install docker.io.',
  'If it listens elsewhere, say where: DOCKER_HOST=unix:///path/to/docker.sock.',
];

const unreachableCodes = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** HTTP status of an answer that dockerode made an error of. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;

/** Docker's own words, without dockerode's "(HTTP code …) server error - ". */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^\(HTTP code \d+\)[^-]*- /, '').trim();

export const isDiskFull = (text: string): boolean =>
  /no space left on device|disk quota exceeded/i.test(text);

export const diskFull = (address: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('DISK_FULL', `the engine at ${address} has no space left on its disk`, {
    cause,
    nextSteps: [
      'Free space there (docker system prune, docker builder prune), then run the same command again.',
    ],
  });

/** The engine is there, but not for this user. */
export const isRefusedUser = (error: AmlpromoteError): boolean =>
  error.cause instanceof Error &&
  'code' in error.cause &&
  ['EACCES', 'EPERM'].includes(String(error.cause.code));

/** What a call to the engine failed with, as an error of ours. `what` completes "could not …". */
export function engineError(error: unknown, address: string, what: string): unknown {
  if (error instanceof AmlpromoteError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EACCES' || code === 'EPERM') {
    return new AmlpromoteError('ENGINE_UNREACHABLE', `the engine at ${address} does not let this user in`, {
      cause: error,
      nextSteps: [
        'Add the user to the group of the socket (sudo usermod -aG docker USER, then log in again), or use a rootless engine.',
      ],
    });
  }
  if (unreachableCodes.has(code)) {
    return new AmlpromoteError('ENGINE_UNREACHABLE', `could not ${what}: no engine answers at ${address}`, {
      cause: error,
      nextSteps: getAnEngine,
    });
  }
  const reason = reasonOf(error);
  if (isDiskFull(reason)) return diskFull(address, error);
  return new AmlpromoteError(
    'SERVICE_FAILED',
    `could not ${what}: the engine says: ${reason.slice(0, 500)}`,
    {
      cause: error,
      nextSteps: ['Look at the log of the engine (journalctl -u docker), then run the same command again.'],
    },
  );
}
