import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { AmlpromoteError } from '../../domain/errors.ts';
import { networkError } from '../../network/errors.ts';
import type { Answer } from './errors.ts';
import { interrupted, protocolError, timeout } from './errors.ts';
import type { Limits, RegistryOptions } from './options.ts';
import { isSuccess } from './redirects.ts';
import { watchDownload, watchUpload } from './watchdog.ts';

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** An upload in the making: write the body to `sink`, end it; `answer` may come earlier than that. */
export interface Upload {
  readonly sink: ClientRequest;
  readonly answer: Promise<Answer>;
}

/** One try of one request over node:http(s). Knows nothing of registries, tokens and retries. */
export interface Transport {
  /** The whole exchange within `limits.request`; a body over `most` bytes is refused (threat 18). */
  send(request: WireRequest, most: number): Promise<Answer>;
  /** Headers within `limits.request`, then the body at its own pace but not slower than the watchdog allows. */
  open(request: WireRequest): Promise<IncomingMessage>;
  /** `size` bytes of body. */
  upload(request: WireRequest, size: number): Upload;
}

const maxAnswerToUpload = 64 * 1024;

export function createTransport(options: RegistryOptions, limits: Limits): Transport {
  // An import of node:http(s) costs five times as much, and most commands never come here.
  const http = process.getBuiltinModule('node:http');
  const https = process.getBuiltinModule('node:https');
  const settings = { keepAlive: true, maxSockets: 64 };
  const base = (options.scheme ?? 'https') + ':';
  // An agent serves one protocol; a redirect may lead from loopback http to https.
  const own = new Map<string, InstanceType<typeof http.Agent>>();
  const agentFor = (protocol: string) => {
    if (options.agent && protocol === base) return options.agent;
    const made =
      own.get(protocol) ?? (protocol === 'https:' ? new https.Agent(settings) : new http.Agent(settings));
    own.set(protocol, made);
    return made;
  };
  const begin = (request: WireRequest, size: number | undefined): ClientRequest => {
    const secure = request.url.protocol === 'https:';
    const agent = agentFor(request.url.protocol);
    const parameters: RequestOptions = {
      method: request.method,
      agent,
      headers: {
        'user-agent': options.userAgent ?? 'amlpromote',
        ...request.headers,
        ...(size === undefined ? {} : { 'content-length': String(size) }),
      },
    };
    const outgoing = (secure ? https : http).request(request.url, parameters);
    guardConnect(outgoing, request.url.host, limits.connect);
    return outgoing;
  };
  return {
    async send(request, most) {
      const size = request.body?.byteLength ?? (/^(?:POST|PUT|PATCH)$/.test(request.method) ? 0 : undefined);
      const outgoing = begin(request, size);
      const guard = guardRequest(outgoing, request, limits.request);
      try {
        const answer = answerOf(outgoing, request.url.host);
        outgoing.end(request.body);
        return await collect(await answer, most, request.url.host);
      } finally {
        guard();
      }
    },
    async open(request) {
      const outgoing = begin(request, undefined);
      const guard = guardRequest(outgoing, request, limits.request);
      try {
        const answer = answerOf(outgoing, request.url.host);
        outgoing.end();
        const incoming = await answer;
        watchDownload(incoming, request.url.host, limits);
        return incoming;
      } finally {
        guard();
      }
    },
    upload(request, size) {
      const sink = begin(request, size);
      const unwatch = watchUpload(sink, request.url.host, limits);
      const stop = guardRequest(sink, request, undefined);
      const answer = answerOf(sink, request.url.host)
        .then(async (incoming) => {
          // Refused before it was read, the body still clogs the connection: the next request would wait behind it.
          const { socket } = incoming;
          if (!isSuccess(incoming.statusCode)) incoming.on('end', () => socket.destroy());
          return collect(incoming, maxAnswerToUpload, request.url.host);
        })
        .finally(() => {
          unwatch();
          stop();
        });
      // Whoever pumps sees the failure of the sink first; this promise may be looked at later or never.
      answer.catch(() => undefined);
      return { sink, answer };
    },
  };
}

/** The error of a request or of its body as one of ours. */
export const wireError = (error: unknown, host: string): AmlpromoteError =>
  networkError(error, host) ??
  new AmlpromoteError('UNREACHABLE', `${host}: the exchange broke off (${codeOf(error)})`, {
    nextSteps: ['Run again; what is done stays done.'],
    cause: error,
  });

async function answerOf(outgoing: ClientRequest, host: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => reject(wireError(error, host)));
    outgoing.on('close', () => reject(wireError({ code: 'ECONNRESET' }, host)));
  });
}

/** By events: async iteration would wait for `close`, which an answer that comes before the end of an upload does not get. */
async function collect(incoming: IncomingMessage, most: number, host: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    incoming.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size <= most) chunks.push(chunk);
      else
        incoming.destroy(
          protocolError(host, `sends more than the ${String(most)} bytes that are acceptable here`),
        );
    });
    incoming.on('end', () =>
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
    );
    incoming.on('error', (error) => reject(wireError(error, host)));
    incoming.on('close', () => reject(wireError({ code: 'ECONNRESET' }, host)));
  });
}

function guardConnect(outgoing: ClientRequest, host: string, milliseconds: number): void {
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      outgoing.destroy(timeout(host, 'no connection', milliseconds));
    }, milliseconds);
    const clear = (): void => clearTimeout(timer);
    socket.once('connect', clear).once('close', clear);
  });
}

/** Deadline and interruption of a request; the returned function lifts the deadline. */
function guardRequest(
  outgoing: ClientRequest,
  request: WireRequest,
  milliseconds: number | undefined,
): () => void {
  const { signal, url } = request;
  let incoming: IncomingMessage | undefined;
  outgoing.once('response', (response) => (incoming = response));
  // Once there is an answer, destroying the request would surface as a mere reset: the reason must go to the answer.
  const end = (reason: Error): void => void (incoming ?? outgoing).destroy(reason);
  const timer =
    milliseconds === undefined
      ? undefined
      : setTimeout(() => {
          end(timeout(url.host, 'no answer', milliseconds));
        }, milliseconds);
  const abort = (): void => {
    end(interrupted());
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  // The body outlives the deadline, and must still be interruptible.
  outgoing.once('close', () => signal?.removeEventListener('abort', abort));
  return () => clearTimeout(timer);
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown cause';
