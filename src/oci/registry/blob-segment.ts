import type { IncomingMessage } from 'node:http';
import type { AmlpromoteError } from '../../domain/errors.ts';
import type { Client } from './client.ts';
import { isTransient } from './errors.ts';
import { wireError } from './transport.ts';

/** Opens the bytes from `start` to before `end`, by default to the end of the blob. */
export type OpenRange = (start: number, end?: number) => Promise<IncomingMessage>;

export interface SegmentConsumer {
  data(chunk: Uint8Array): void;
  end(): void;
  error(error: unknown): void;
}

/** A stretch of a blob on one connection at a time; what arrives before a consumer is there is kept. */
export interface Segment {
  consume(consumer: SegmentConsumer): void;
  pause(): void;
  resume(): void;
  /** Makes it end earlier than it was asked to. */
  cut(end: number): void;
  destroy(): void;
}

/** Progress that makes a further break a new one. */
const progressBytes = 1024 * 1024;

/**
 * After a break it goes on by itself with a range request, as long as there is progress (threat 41).
 * @param end undefined for the rest of the blob, however long that turns out to be: the consumer judges
 */
export function openSegment(
  client: Client,
  open: OpenRange,
  size: number,
  start: number,
  end: number | undefined,
  first?: IncomingMessage,
): Segment {
  let current: IncomingMessage | undefined;
  let consumer: SegmentConsumer | undefined;
  let kept: Uint8Array[] = [];
  let position = start;
  let last = end;
  let outcome: 'open' | 'ended' | 'destroyed' | { readonly error: unknown } = 'open';
  let breaks = 0;
  let brokenAt = start;

  const finish = (how: 'ended' | { readonly error: unknown }): void => {
    if (outcome !== 'open') return;
    outcome = how;
    tell();
  };
  const tell = (): void => {
    if (!consumer || outcome === 'open' || outcome === 'destroyed') return;
    if (outcome === 'ended') consumer.end();
    else consumer.error(outcome.error);
  };
  const take = (chunk: Uint8Array): void => {
    if (outcome !== 'open') return;
    const piece = last === undefined ? chunk : chunk.subarray(0, Math.max(0, last - position));
    position += piece.byteLength;
    if (consumer) consumer.data(piece);
    else kept.push(piece);
    if (last === undefined || position < last) return;
    // A cut leaves bytes on the way: that connection is given up. Else it serves again, once its end was seen.
    if (last === end) current?.resume();
    else current?.destroy();
    finish('ended');
  };
  const attach = (incoming: IncomingMessage): void => {
    if (outcome !== 'open') {
      incoming.destroy();
      return;
    }
    current = incoming;
    incoming.on('data', take);
    incoming.on('end', () => finish('ended'));
    incoming.on('error', (error) => {
      if (outcome !== 'open') return;
      goOn(wireError(error, client.host)).catch((failure: unknown) => finish({ error: failure }));
    });
  };
  const goOn = async (error: AmlpromoteError): Promise<void> => {
    current = undefined;
    breaks = position - brokenAt >= progressBytes ? 1 : breaks + 1;
    brokenAt = position;
    if (!isTransient(error) || position >= (last ?? size)) throw error;
    if (!(await client.pause(breaks, undefined))) throw error;
    if (outcome === 'open') attach(await open(position, last));
  };

  if (first) attach(first);
  else open(start, end).then(attach, (error: unknown) => finish({ error }));
  return {
    consume(taker) {
      consumer = taker;
      const before = kept;
      kept = [];
      for (const chunk of before) taker.data(chunk);
      tell();
    },
    pause: () => void current?.pause(),
    resume: () => void current?.resume(),
    cut: (earlier) => void (last = earlier),
    destroy() {
      outcome = 'destroyed';
      kept = [];
      current?.destroy();
    },
  };
}
