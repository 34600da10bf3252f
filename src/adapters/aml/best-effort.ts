import { isRefusal } from '../../domain/errors.ts';

/**
 * For what may be unreadable without harm (logs, outputs): not being allowed, not being there and not being reachable are one answer.
 * Refusals, bugs and Ctrl-C still are what they are.
 */
export async function bestEffort<T>(
  signal: AbortSignal | undefined,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    signal?.throwIfAborted();
    const bug = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
    if (bug || isRefusal(error)) throw error;
    return undefined;
  }
}
