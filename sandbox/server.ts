import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxContext } from './context.ts';
import { firewall, isAzureHost } from './firewall.ts';
import type { Handler, SandboxRequest, SandboxResponse, Vantage } from './http.ts';
import { azureError, createRequest, ResponseError } from './http.ts';
import type { Claims } from './identity/tokens.ts';
import { respond } from './respond.ts';
import { route } from './router.ts';
import type { ServerIdentity } from './tls.ts';

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

interface Serving {
  readonly context: SandboxContext;
  readonly handlers: readonly Handler[];
  /** The port of the last time; another one is taken when it is in use. */
  readonly port: number | undefined;
  /** An address of its own, instead of 127.0.0.1: there the port is meant, and no other one is taken. */
  readonly address?: string;
}

/** One TLS port for everything that a zone's network reaches; hosts are told apart by name. */
export function listenVantage(
  vantage: Vantage,
  identity: ServerIdentity,
  serving: Serving,
): Promise<Listener> {
  const server = createHttpsServer({
    key: identity.key,
    cert: identity.certificates,
    SNICallback: (name, done) => {
      // The firewall in front of the sealed zone reads the name in the handshake and lets only Azure through.
      if (vantage === 'inside' && !isAzureHost(name)) done(new Error(`${name} is blocked`));
      else done(null);
    },
  });
  return listen(server, serving, (incoming) => {
    const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    if (vantage === 'inside' && !isAzureHost(host)) return undefined;
    const name = serverName(incoming.socket);
    if (name !== undefined && name.toLowerCase() !== host)
      throw azureError(421, 'MisdirectedRequest', 'The Host header is not the name of the TLS handshake.');
    return createRequest(incoming, host, vantage);
  });
}

/** The name of the handshake (SNI); undefined when the client sent none. */
const serverName = (socket: Socket): string | undefined =>
  'servername' in socket && typeof socket.servername === 'string' ? socket.servername : undefined;

/** The plain-http port of one registry, without authentication, for the public tools. */
export function listenLoopback(host: string, serving: Serving): Promise<Listener> {
  return listen(createHttpServer(), serving, (incoming) => createRequest(incoming, host, 'loopback'));
}

/** `read` gives undefined for a request whose connection is to be cut. */
async function listen(
  server: Server,
  { context, handlers, port, address }: Serving,
  read: (incoming: IncomingMessage) => SandboxRequest | undefined,
): Promise<Listener> {
  // A client's idle connection must not be closed under it just when it is used again, and big uploads take their time.
  server.keepAliveTimeout = 120_000;
  server.headersTimeout = 125_000;
  server.requestTimeout = 0;
  server.on('request', (incoming, outgoing) => void serve(context, handlers, read, incoming, outgoing));
  await bind(server, port, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function bind(server: Server, port: number | undefined, address: string | undefined): Promise<void> {
  if (address !== undefined) {
    await bindOnce(server, port ?? 0, address);
    return;
  }
  try {
    await bindOnce(server, port ?? 0);
  } catch (error) {
    if (port === undefined || !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'))
      throw error;
    await bindOnce(server, 0);
  }
}

const bindOnce = (server: Server, port: number, address = '127.0.0.1'): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });

async function serve(
  context: SandboxContext,
  handlers: readonly Handler[],
  read: (incoming: IncomingMessage) => SandboxRequest | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  outgoing.setHeader('x-ms-request-id', randomUUID());
  let request: SandboxRequest | undefined;
  try {
    request = read(incoming);
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    outgoing.writeHead(error.response.status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(error.response.body));
    return;
  }
  if (!request) {
    incoming.socket.destroy();
    return;
  }
  const { vantage, method, host, path } = request;
  const status = await exchange(context, handlers, request, incoming, outgoing);
  context.events.add({ time: context.clock.now().toISOString(), vantage, method, host, path, status });
}

async function exchange(
  context: SandboxContext,
  handlers: readonly Handler[],
  request: SandboxRequest,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<number> {
  try {
    const fault = await before(context, request);
    if (fault === 'reset') {
      incoming.socket.destroy();
      return 0;
    }
    const response = fault ?? firewall(request) ?? (await route(handlers, withToken(context, request)));
    return await respond(request, outgoing, response, context.faults);
  } catch (error) {
    // A broken upload ends here too; then nobody reads the answer.
    if (outgoing.headersSent || incoming.socket.destroyed) {
      outgoing.destroy();
      return 0;
    }
    const message = error instanceof Error ? error.message : String(error);
    const { response } = azureError(500, 'InternalServerError', message);
    return respond(request, outgoing, response, context.faults);
  }
}

async function before(
  context: SandboxContext,
  request: SandboxRequest,
): Promise<SandboxResponse | 'reset' | undefined> {
  const { faults } = context;
  const slow = faults.take(request, 'delay');
  if (slow) await delay(slow.milliseconds);
  if (faults.take(request, 'reset')) return 'reset';
  const status = faults.take(request, 'status');
  if (status) {
    const { headers, body = { error: { code: 'Fault', message: 'A fault switch answered this request.' } } } =
      status;
    return { status: status.status, body, ...(headers && { headers }) };
  }
  return undefined;
}

/** Fault `expired-token`: the same token as if its time were over, so that each service refuses it in its own way. */
function withToken(context: SandboxContext, request: SandboxRequest): SandboxRequest {
  const payload = /^Bearer [^.]+\.([^.]+)\./.exec(request.headers.authorization ?? '')?.[1];
  if (payload === undefined || !context.faults.take(request, 'expired-token')) return request;
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  const authorization = `Bearer ${context.tokens.issue({ ...claims, exp: 1 })}`;
  return { ...request, headers: { ...request.headers, authorization } };
}
