import type { Readable } from 'node:stream';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Verifier } from '../verified.ts';
import type { Answer } from './errors.ts';
import type { Upload } from './transport.ts';

/** How a transfer ended, and on which side: only a failure of the target is a reason to ask it how far it got. */
export type Pumped =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'target'; readonly error: unknown }
  | { readonly kind: 'source'; readonly error: unknown };

/**
 * source → hash → request body, with back-pressure by hand (`pipeline` and async iteration cost a third more). The last chunk
 * is held back until size and digest are right: the registry never has a complete body that is not the one named.
 */
export async function pump(
  source: Readable,
  upload: Upload,
  verifier: Verifier,
  size: number,
  onBytes: (sent: number) => void,
): Promise<Pumped> {
  const { sink, answer } = upload;
  return new Promise((resolve) => {
    let held: Uint8Array | undefined;
    let sent = false;
    const settle = (result: Pumped): void => {
      source.destroy();
      // An answer before the end of the body leaves a connection that cannot be used again.
      if (result.kind !== 'answered' || !sent) sink.destroy();
      resolve(result);
    };
    const guarded = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        settle({ kind: 'source', error });
      }
    };
    source.on('data', (chunk: Uint8Array) =>
      guarded(() => {
        if (chunk.byteLength === 0 || sink.destroyed) return;
        verifier.update(chunk);
        if (verifier.received === size) held = chunk;
        else if (!sink.write(chunk)) source.pause();
        onBytes(verifier.received);
      }),
    );
    sink.on('drain', () => source.resume());
    source.on('end', () =>
      guarded(() => {
        verifier.finish();
        sent = true;
        sink.end(held);
      }),
    );
    source.on('error', (error) => settle({ kind: 'source', error }));
    source.on('close', () => {
      if (!source.readableEnded) settle({ kind: 'source', error: brokenSource() });
    });
    answer.then(
      (value) => settle({ kind: 'answered', answer: value }),
      (error: unknown) => settle({ kind: 'target', error }),
    );
  });
}

export const brokenSource = (): AmlpromoteError =>
  new AmlpromoteError('UNREACHABLE', 'the source broke off in the middle of a blob', {
    nextSteps: ['Run again; what is done stays done.'],
  });
