/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- a test says what it expects to read */
import type { Agent, IncomingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface WireOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
  /** Another name in the TLS handshake than in the URL. */
  readonly servername?: string;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

/** One exchange as it is on the wire: no redirects, no retries, no default headers. */
export const wire = (url: string, options: WireOptions = {}): Promise<WireResponse> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const { method = 'GET', headers = {}, body, agent, servername } = options;
    const outgoing = send(
      url,
      { method, headers, ...(agent && { agent }), ...(servername !== undefined && { servername }) },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          const json = <T>(): T => JSON.parse(text) as T;
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, json });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

export const form = (fields: Record<string, string>): Pick<WireOptions, 'method' | 'headers' | 'body'> => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});
