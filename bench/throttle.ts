import net from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Throttle {
  readonly host: string;
  close(): void;
}

export interface ThrottleOptions {
  /** Bytes per second that one connection gets from the server; the way there is free. */
  readonly bytesPerSecond: number;
  /** Milliseconds, each way. */
  readonly delay: number;
}

/** A TCP proxy on loopback that makes `port` look far away: a token bucket per connection, and a delay. */
export async function startThrottle(port: number, options: ThrottleOptions): Promise<Throttle> {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    relay(client, upstream, options.delay, Infinity);
    relay(upstream, client, options.delay, options.bytesPerSecond);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return { host: `127.0.0.1:${String(own)}`, close: () => void server.close() };
}

function relay(from: net.Socket, to: net.Socket, delay: number, rate: number): void {
  const queue: { readonly due: number; readonly chunk: Buffer | 'end' }[] = [];
  let free = 0;
  let timer: NodeJS.Timeout | undefined;
  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let head = queue[0]; head && head.due <= now; head = queue[0]) {
      queue.shift();
      if (head.chunk === 'end') to.end();
      else to.write(head.chunk);
    }
    const next = queue[0];
    if (next) timer = setTimeout(deliver, Math.max(1, next.due - now));
    // What is on the way is bounded as on a link: its delay, and a little that queues before it.
    if (from.isPaused() && free - now < 20) from.resume();
  };
  const send = (chunk: Buffer | 'end', due: number): void => {
    queue.push({ due, chunk });
    timer ??= setTimeout(deliver, Math.max(1, due - performance.now()));
  };
  from.on('data', (chunk) => {
    const now = performance.now();
    free = Math.max(free, now) + (chunk.byteLength / rate) * 1000;
    send(chunk, free + delay);
    if (free - now > 40) from.pause();
  });
  from.on('end', () => send('end', Math.max(free, performance.now()) + delay));
}
