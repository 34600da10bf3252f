import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from './system-code.ts';

/** Milliseconds for which a pipe may be silent. */
const patience = 10_000;
const pieceSize = 64 * 1024;

/**
 * Reads a file that a person named, whatever it is: a directory, a device without end and a pipe without a writer are errors
 * (`code`), never a wait for ever or a full memory. A pipe that delivers (`<(command)`) is as good as a file.
 * @throws a system error, with `code` EFBIG for more than `most` bytes and ETIMEDOUT for a silent pipe
 */
export async function readInput(path: string, most: number): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe waits for its writer, and no signal ends that.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (facts.isDirectory()) throw new InputError('EISDIR', 'it is a directory');
    if (facts.isFile() && facts.size > most) throw new InputError('EFBIG', tooLarge(most));
    const pieces: Buffer[] = [];
    let size = 0;
    let waited = 0;
    while (size <= most) {
      const piece = Buffer.allocUnsafe(Math.min(pieceSize, most + 1 - size));
      let count: number;
      try {
        count = (await handle.read(piece, 0, piece.byteLength, facts.isFile() ? size : null)).bytesRead;
      } catch (error) {
        if (systemCode(error) !== 'EAGAIN') throw error;
        if (waited >= patience) throw new InputError('ETIMEDOUT', 'it is a pipe to which nobody writes');
        waited += 20;
        await delay(20);
        continue;
      }
      if (count === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, count));
      size += count;
    }
    throw new InputError('EFBIG', tooLarge(most));
  } finally {
    await handle.close();
  }
}

const tooLarge = (most: number): string => `too large: larger than ${String(most)} bytes`;

class InputError extends Error {
  readonly code: string;
  constructor(code: string, why: string) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}

/** Why a file could not be read, to follow its name. */
export function whyUnreadable(error: unknown): string {
  const code = systemCode(error) ?? 'unreadable';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'is a directory';
    case 'EFBIG':
    case 'ETIMEDOUT':
      return (error as Error).message.slice(code.length + 2);
    default:
      return `cannot be read (${code})`;
  }
}
