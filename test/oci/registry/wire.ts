import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { RegistryOptions } from '../../../src/oci/registry/registry.ts';
import { createRegistry } from '../../../src/oci/registry/registry.ts';
import type { Registry } from '../../../src/ports/content.ts';
import type { Clock } from '../../../src/ports/clock.ts';

/** A server that says exactly what a test wants, byte by byte if need be. */
export interface Wire {
  readonly host: string;
  readonly port: number;
  /** `METHOD path?query`, in order of arrival. */
  readonly log: string[];
  /** `Authorization` of each request, in the same order. */
  readonly authorizations: (string | undefined)[];
}

export type Handler = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  wire: Wire,
) => void | Promise<void>;

export async function startWire(
  t: ExecutionContext,
  handler: Handler,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Wire> {
  const log: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const listener: http.RequestListener = (request, response) => {
    log.push(`${request.method ?? ''} ${request.url ?? ''}`);
    authorizations.push(request.headers.authorization);
    // Hostile scripts break off on purpose; the client's view is what is judged.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    void Promise.resolve(handler(request, response, wire)).catch(() => response.destroy());
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const wire: Wire = { host: `127.0.0.1:${String(port)}`, port, log, authorizations };
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return wire;
}

/** Time that passes at once, and remembers how much was asked for. */
export function fastClock(start = Date.parse('2026-01-01T00:00:00Z')): Clock & { readonly pauses: number[] } {
  const pauses: number[] = [];
  let now = start;
  return {
    pauses,
    now: () => new Date(now),
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      pauses.push(milliseconds);
      now += milliseconds;
    },
  };
}

export const registryAt = (wire: Wire, options: Partial<RegistryOptions> = {}): Registry =>
  createRegistry({ host: wire.host, scheme: 'http', clock: fastClock(), random: () => 0.5, ...options });

export function json(response: http.ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export const ociError = (
  response: http.ServerResponse,
  status: number,
  code: string,
  message: string,
): void => json(response, status, { errors: [{ code, message }] });

export const blobOf = (content: string | Uint8Array): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: sha256(content),
  size: Buffer.byteLength(content),
});

export const form = async (request: http.IncomingMessage): Promise<URLSearchParams> =>
  new URLSearchParams(await text(request));

/** An unsigned JWT: only its times are looked at. */
export const jwt = (claims: Record<string, unknown>): string =>
  ['{}', JSON.stringify(claims), 'sig'].map((part) => Buffer.from(part).toString('base64url')).join('.');
