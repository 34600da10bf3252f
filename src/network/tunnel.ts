import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { AmlpromoteError } from '../domain/errors.ts';

export interface TunnelRequest {
  readonly proxy: URL;
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** For a proxy that is itself reached over TLS. */
  readonly trust: () => SecureContext;
}

/** @throws MANIFEST_INVALID; the message leaves out a user name and password. */
export function parseProxy(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
  throw new AmlpromoteError('MANIFEST_INVALID', 'the proxy is not an http:// or https:// URL', {
    nextSteps: ['Write network.proxy or HTTPS_PROXY as http://host:port.'],
  });
}

/**
 * Opens a tunnel to `host:port` through an HTTP proxy (RFC 9110 §9.3.6, CONNECT). The socket carries TLS end to end: the proxy sees
 * the host name and nothing else.
 * @throws UNAUTHENTICATED (407), NETWORK_DENIED (401, 403), UNREACHABLE (anything else)
 */
export function openTunnel(request: TunnelRequest): Promise<Duplex> {
  const { proxy, host, port, timeoutMs } = request;
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const secure = proxy.protocol === 'https:';
  const options: https.RequestOptions = {
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port === '' ? (secure ? 443 : 80) : Number(proxy.port),
    path: target,
    headers: { host: target, ...authorization(proxy) },
    agent: false,
    ...(secure ? { secureContext: request.trust() } : {}),
  };
  return new Promise((resolve, reject) => {
    const connect = secure ? https.request(options) : http.request(options);
    const timer = setTimeout(() => {
      connect.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    connect.once('connect', (response, socket: Duplex, head: Buffer) => {
      clearTimeout(timer);
      if (response.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusal(proxy, target, response.statusCode ?? 0));
    });
    connect.once('error', (cause) => {
      clearTimeout(timer);
      reject(
        new AmlpromoteError('UNREACHABLE', `proxy ${proxy.host} cannot be reached: ${cause.message}`, {
          nextSteps: [
            `Check network.proxy of the zone and HTTPS_PROXY; hosts that need no proxy go into NO_PROXY.`,
          ],
          cause,
        }),
      );
    });
    connect.end();
  });
}

function authorization(proxy: URL): http.OutgoingHttpHeaders {
  if (proxy.username === '') return {};
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function refusal(proxy: URL, target: string, status: number): AmlpromoteError {
  if (status === 407) {
    return new AmlpromoteError('UNAUTHENTICATED', `proxy ${proxy.host} wants credentials (407)`, {
      nextSteps: [
        'Put user and password into HTTPS_PROXY (http://user:password@host:port) and leave network.proxy out.',
      ],
    });
  }
  if (status === 401 || status === 403) {
    return new AmlpromoteError('NETWORK_DENIED', `proxy ${proxy.host} refuses ${target} (${status})`, {
      nextSteps: [`Ask for ${target} on the proxy's allow list, or reach it directly with network.resolve.`],
    });
  }
  return new AmlpromoteError('UNREACHABLE', `proxy ${proxy.host} could not reach ${target} (${status})`, {
    nextSteps: [`Try again; if it stays, ask whoever runs the proxy whether ${target} resolves from there.`],
  });
}
