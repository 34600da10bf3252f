import type { ClientRequest, IncomingMessage } from 'node:http';
import { timeout } from './errors.ts';
import type { Limits } from './options.ts';

/**
 * Ends a download that hardly moves while we wait for the other end (threat 41, slow-loris). Time in which the *consumer*
 * does not read is not held against the server: then bytes lie in the buffer.
 */
export function watchDownload(incoming: IncomingMessage, host: string, limits: Limits): void {
  let seen = incoming.socket.bytesRead;
  const timer = setInterval(() => {
    const moved = incoming.socket.bytesRead - seen;
    seen = incoming.socket.bytesRead;
    if (incoming.complete || incoming.readableLength > 0 || moved >= limits.idleBytes) return;
    incoming.destroy(timeout(host, 'hardly any data', limits.idle));
  }, limits.idle);
  timer.unref();
  incoming.once('close', () => clearInterval(timer));
}

/**
 * Ends an upload whose bytes the other end does not take, or whose answer does not come within `limits.commit`.
 * Time in which the *source* delivers nothing is not held against the target.
 */
export function watchUpload(sink: ClientRequest, host: string, limits: Limits): () => void {
  let seen = 0;
  let ended = 0;
  const timer = setInterval(() => {
    const written = sink.socket?.bytesWritten ?? 0;
    const waiting = sink.writableLength > 0 || (sink.socket?.writableLength ?? 0) > 0;
    const moved = written - seen;
    seen = written;
    if (sink.writableFinished || (sink.writableEnded && !waiting)) {
      ended += limits.idle;
      if (ended >= limits.commit) sink.destroy(timeout(host, 'no answer to an upload', limits.commit));
    } else if (waiting && moved < limits.idleBytes) {
      sink.destroy(timeout(host, 'hardly any data taken', limits.idle));
    }
  }, limits.idle);
  timer.unref();
  return () => clearInterval(timer);
}
