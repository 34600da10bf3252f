import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

export interface ScriptedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ScriptedResponse {
  readonly status?: number;
  readonly headers?: http.OutgoingHttpHeaders;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
}

export interface ScriptedServer {
  readonly port: number;
  /** Every request so far, oldest first. */
  readonly requests: readonly ScriptedRequest[];
}

/** `destroy` breaks the connection off. */
export type Script = (
  request: ScriptedRequest,
) => ScriptedResponse | 'destroy' | Promise<ScriptedResponse | 'destroy'>;

/** A real HTTP(S) server on a loopback port that answers what the test says. Closed with the test. */
export async function startScriptedServer(
  t: ExecutionContext,
  script: Script,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const listener: http.RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'https://any');
      const request: ScriptedRequest = {
        method: incoming.method ?? '',
        host: incoming.headers.host ?? '',
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      };
      requests.push(request);
      void Promise.resolve(script(request)).then((answer) => {
        if (answer === 'destroy') incoming.socket.destroy();
        else send(response, answer);
      });
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

function send(response: http.ServerResponse, answer: ScriptedResponse): void {
  const { status = 200, headers = {}, body } = answer;
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    response.writeHead(status, headers);
    response.end(body);
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
