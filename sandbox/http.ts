import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { parseStrictJson } from '../src/json/strict.ts';
import { hosts } from './topology.ts';

/** From which zone's network a request comes. */
export type Vantage = 'outside' | 'inside';

/** One HTTP request as the handlers see it; the same for TLS, plain loopback and tests without a socket. */
export interface SandboxRequest {
  readonly method: string;
  /** Lower case, without port. On a registry's loopback port: the registry's own host. */
  readonly host: string;
  readonly url: URL;
  /** Percent-decoded pathname. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  /** `loopback`: the plain-http port of a registry, without authentication. */
  readonly vantage: Vantage | 'loopback';
  /** The whole body; default cap 4 MiB, above which the request is answered 413. */
  bytes(maxBytes?: number): Promise<Buffer>;
  json(): Promise<unknown>;
  form(): Promise<URLSearchParams>;
}

export interface SandboxResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** A plain object is sent as JSON. A stream needs its own `content-length` header, or is sent chunked. */
  readonly body?: string | Uint8Array | Readable | object;
}

/** Pure: everything a handler may touch comes with the request or with the context it closes over. */
export interface Handler {
  readonly host: (host: string) => boolean;
  /** `*` for any. */
  readonly method: string;
  /** Matched against the percent-decoded path; the match is handed to `fn`. */
  readonly path: RegExp;
  readonly fn: (
    request: SandboxRequest,
    match: RegExpExecArray,
  ) => Promise<SandboxResponse> | SandboxResponse;
}

/** Thrown by a handler or one of its helpers instead of returned: ends the request with this response. */
export class ResponseError extends Error {
  readonly response: SandboxResponse;

  constructor(response: SandboxResponse, reason = `answered ${response.status}`) {
    super(reason);
    this.name = 'ResponseError';
    this.response = response;
  }
}

/** The error body of ARM, Azure ML and most Azure services: `{"error":{"code","message"}}`. */
export const azureError = (
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): ResponseError =>
  new ResponseError(
    { status, headers: { 'x-ms-error-code': code, ...headers }, body: { error: { code, message } } },
    `${code}: ${message}`,
  );

/** @throws ResponseError 400 when the target cannot be a path of that host. */
export function createRequest(
  incoming: IncomingMessage,
  host: string,
  vantage: SandboxRequest['vantage'],
): SandboxRequest {
  const scheme = vantage === 'loopback' ? 'http' : 'https';
  const url = parseTarget(incoming.url ?? '/', `${scheme}://${host}`);
  const bytes = (maxBytes = 4 * 1024 * 1024): Promise<Buffer> => readAll(incoming, maxBytes);
  return {
    method: incoming.method ?? 'GET',
    host,
    url,
    path: pathOf(host, decodePath(url.pathname)),
    headers: incoming.headers,
    body: incoming,
    vantage,
    bytes,
    json: async () => parseBody(await bytes()),
    form: async () => new URLSearchParams((await bytes()).toString('utf8')),
  };
}

function parseTarget(target: string, base: string): URL {
  // A path that starts with // would be read as another authority.
  const url = target.startsWith('/') ? URL.parse(`${base}${target}`) : null;
  if (url === null) throw azureError(400, 'BadRequest', 'The request target is not an absolute path.');
  return url;
}

/** ARM takes `//` for `/`: azure-cli builds such paths from a provider's namespace and its types. */
const pathOf = (host: string, path: string): string =>
  host === hosts.arm ? path.replace(/\/{2,}/g, '/') : path;

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw azureError(400, 'BadRequest', 'The path is not valid percent-encoded UTF-8.');
  }
}

function parseBody(bytes: Buffer): unknown {
  try {
    return parseStrictJson(bytes, { where: 'request body' });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'invalid';
    throw azureError(400, 'InvalidRequestContent', `The request content was invalid: ${why}`);
  }
}

async function readAll(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw azureError(413, 'RequestEntityTooLarge', `The body is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
