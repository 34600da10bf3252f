import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { OpenRange, Segment, SegmentConsumer } from './blob-segment.ts';
import { openSegment } from './blob-segment.ts';
import type { Client } from './client.ts';

/** A blob as one stream, out of as many range requests as breaks and slowness make worth while. Does not check the digest. */
export function blobStream(client: Client, first: IncomingMessage, open: OpenRange, size: number): Readable {
  const { partBytes, parts, slow, busy } = client.limits.readAhead;
  const ranges = first.headers['accept-ranges'] === 'bytes';
  const queue: Segment[] = [openSegment(client, open, size, 0, undefined, first)];
  let read = 0;
  /** Where the next part begins, once there are parts. */
  let next: number | undefined;
  let checkAt = partBytes;
  const pace = createPace();

  const stream: Readable = new Readable({
    highWaterMark: 1024 * 1024,
    read() {
      pace.resumed();
      queue[0]?.resume();
    },
    destroy(error, done) {
      for (const segment of queue) segment.destroy();
      done(error);
    },
  });
  const topUp = (): void => {
    while (next !== undefined && next < size && queue.length < parts) {
      const end = Math.min(size, next + partBytes);
      queue.push(openSegment(client, open, size, next, end));
      next = end;
    }
  };
  const consumer: SegmentConsumer = {
    data(chunk) {
      read += chunk.byteLength;
      if (!stream.push(chunk)) {
        pace.paused();
        queue[0]?.pause();
      }
      if (!ranges || next !== undefined || read < checkAt) return;
      checkAt = read + partBytes;
      if (size - read < 4 * partBytes || !pace.isSlow(read, slow, busy)) return;
      next = read + partBytes;
      queue[0]?.cut(next);
      topUp();
    },
    end() {
      queue.shift();
      topUp();
      const head = queue[0];
      if (head) head.consume(consumer);
      else stream.push(null);
    },
    error: (error) => void stream.destroy(error as Error),
  };
  queue[0]?.consume(consumer);
  return stream;
}

/** How fast a connection delivers while we are ready to take, and whether it is us who cannot keep up. */
function createPace() {
  const start = performance.now();
  const utilization = performance.eventLoopUtilization();
  let waited = 0;
  let pausedAt: number | undefined;
  return {
    paused: () => void (pausedAt ??= performance.now()),
    resumed() {
      if (pausedAt !== undefined) waited += performance.now() - pausedAt;
      pausedAt = undefined;
    },
    isSlow(bytes: number, slow: number, busy: number): boolean {
      const elapsed = performance.now() - start;
      // A consumer that pauses us much is the bottleneck itself.
      if (waited > elapsed * 0.3) return false;
      if (performance.eventLoopUtilization(utilization).utilization > busy) return false;
      return bytes / ((elapsed - waited) / 1000) < slow;
    },
  };
}
