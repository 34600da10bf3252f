import type { Readable } from 'node:stream';
import { Transform, pipeline } from 'node:stream';
import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Hasher } from '../domain/sha256.ts';
import { createHasher } from '../domain/sha256.ts';
import type { ContentReader } from '../ports/content.ts';

/** Counts and hashes what passes, and judges it against the descriptor. */
export interface Verifier {
  readonly received: number;
  /** @throws INTEGRITY_MISMATCH as soon as more than the descriptor's size has passed. */
  update(chunk: Uint8Array): void;
  /** @throws INTEGRITY_MISMATCH when size or digest differ. */
  finish(): void;
}

export function createVerifier(descriptor: Descriptor): Verifier {
  const hasher: Hasher = createHasher();
  let received = 0;
  return {
    get received() {
      return received;
    },
    update(chunk) {
      received += chunk.byteLength;
      if (received > descriptor.size)
        throw mismatch(descriptor, `more than ${String(descriptor.size)} bytes`);
      hasher.update(chunk);
    },
    finish() {
      if (received !== descriptor.size) {
        throw mismatch(descriptor, `${String(received)} of ${String(descriptor.size)} bytes`);
      }
      const digest = hasher.digest();
      if (digest !== descriptor.digest) throw mismatch(descriptor, `bytes with digest ${digest}`);
    },
  };
}

export const mismatch = (descriptor: Descriptor, got: string): AmlpromoteError =>
  new AmlpromoteError('INTEGRITY_MISMATCH', `content ${descriptor.digest}: the source sent ${got}`, {
    nextSteps: [
      'Run again; if it happens again, the source holds or delivers other bytes than its digest says: do not use it.',
    ],
  });

/**
 * `source` with size and digest checked: never yields more than the descriptor's size, and ends in an INTEGRITY_MISMATCH
 * error instead of `end` when the bytes are not the ones named. Consumers must not commit anything before `end`.
 */
export function verifiedStream(source: Readable, descriptor: Descriptor): Readable {
  const verifier = createVerifier(descriptor);
  const checked = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      try {
        verifier.update(chunk);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        verifier.finish();
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  // The callback only keeps `pipeline` from throwing: the error reaches the consumer through `checked` itself.
  pipeline(source, checked, () => undefined);
  return checked;
}

/**
 * A small blob in memory, verified. Read once more when the first try broke off or came out wrong.
 * @throws CONTENT_INVALID when the descriptor says more than `maxBytes`; INTEGRITY_MISMATCH; whatever the reader throws
 */
export async function readBlob(
  reader: Pick<ContentReader, 'blob'>,
  descriptor: Descriptor,
  maxBytes: number,
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) {
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `content ${descriptor.digest} has ${String(descriptor.size)} bytes; at most ${String(maxBytes)} are accepted here`,
    );
  }
  try {
    return await readOnce(reader, descriptor);
  } catch (error) {
    if (!isWorthAnotherTry(error)) throw error;
    return readOnce(reader, descriptor);
  }
}

const isWorthAnotherTry = (error: unknown): boolean =>
  error instanceof AmlpromoteError && ['INTEGRITY_MISMATCH', 'UNREACHABLE', 'TIMEOUT'].includes(error.code);

async function readOnce(reader: Pick<ContentReader, 'blob'>, descriptor: Descriptor): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of verifiedStream(await reader.blob(descriptor), descriptor)) {
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}
