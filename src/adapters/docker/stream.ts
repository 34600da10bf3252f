import type Docker from 'dockerode';
import { Readable } from 'node:stream';

/** dockerode's answers are Node's own streams, typed as the older interface. */
export const readableOf = (stream: NodeJS.ReadableStream): Readable =>
  stream instanceof Readable ? stream : new Readable().wrap(stream);

/**
 * For questions that the client cannot break off: its connections are ended, which would keep the process alive.
 * @throws the signal's reason
 */
export async function unlessAborted<T>(
  docker: Docker,
  answer: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return answer;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason as Error);
    const { agent } = docker.modem as { agent?: { destroy(): void } };
    agent?.destroy();
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
