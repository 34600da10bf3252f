import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { AmlpromoteError } from '../domain/errors.ts';
import { certificateError, isCertificateError, networkError } from './errors.ts';
import type { ProxyBypass } from './no-proxy.ts';
import { createProxyBypass } from './no-proxy.ts';
import type { ResolveTable } from './resolve.ts';
import { createResolveTable } from './resolve.ts';
import { createTrust } from './roots.ts';
import type { AgentOptions, NetworkSettings } from './settings.ts';
import { openTunnel, parseProxy } from './tunnel.ts';

/** SDK pipelines keep only the text of an error, MSAL not even that: so each agent remembers what broke, by host. */
const failures = new WeakMap<https.Agent, Map<string, AmlpromoteError>>();

/** Why the last connection to `host` through this agent failed, if it did and none has succeeded since. */
export const connectionFailure = (agent: https.Agent, host: string): AmlpromoteError | undefined =>
  failures.get(agent)?.get(host.toLowerCase());

/**
 * The one way out of a zone's side: every SDK client and our registry client get this agent, so `resolve`, `ca` and `proxy` hold for
 * all of them. A host in `resolve` is never proxied. Connections are kept alive; certificates are always checked, against the
 * host's real name.
 * @throws MANIFEST_INVALID for unusable settings; requests fail with UNREACHABLE (certificate, timeout), UNAUTHENTICATED or
 * NETWORK_DENIED (proxy), or Node's own error (`networkError` translates)
 */
export function createAgent(network: NetworkSettings = {}, options: AgentOptions = {}): https.Agent {
  const proxy = network.proxy ?? options.httpsProxy;
  let trust: tls.SecureContext | undefined;
  // Lazily, so that commands that never connect do not pay for parsing roots; but a bad `ca` is told at once.
  if (network.ca !== undefined) trust = createTrust(network.ca);
  return new ZoneAgent({
    resolve: createResolveTable(network.resolve ?? {}),
    proxy: proxy === undefined || proxy === '' ? undefined : parseProxy(proxy),
    bypass: createProxyBypass(options.noProxy),
    trust: () => (trust ??= createTrust(undefined)),
    timeoutMs: options.connectTimeoutMs ?? 15_000,
  });
}

interface ZoneAgentSettings {
  readonly resolve: ResolveTable;
  readonly proxy: URL | undefined;
  readonly bypass: ProxyBypass;
  readonly trust: () => tls.SecureContext;
  readonly timeoutMs: number;
}

type Connected = (error: Error | null, stream: Duplex) => void;

/** `socket`: an open tunnel to speak TLS over (tls.connect). */
type DialOptions = https.RequestOptions & { readonly socket?: Duplex };

class ZoneAgent extends https.Agent {
  readonly #settings: ZoneAgentSettings;
  readonly #failures = new Map<string, AmlpromoteError>();

  constructor(settings: ZoneAgentSettings) {
    super({ keepAlive: true, maxCachedSessions: 100 });
    this.#settings = settings;
    failures.set(this, this.#failures);
  }

  override createConnection(options: https.RequestOptions, callback?: Connected): Duplex | null | undefined {
    const { resolve, proxy, bypass, trust, timeoutMs } = this.#settings;
    const host = (options.host ?? 'localhost').toLowerCase();
    const port = Number(options.port ?? 443);
    const secure = {
      ...options,
      secureContext: trust(),
      // For an address Node sends no server name, and would then check the certificate against the address dialled.
      checkServerIdentity: (_dialled: string, certificate: tls.DetailedPeerCertificate) =>
        tls.checkServerIdentity(
          options.servername === undefined || options.servername === '' ? host : options.servername,
          certificate,
        ),
    };
    const endpoint = resolve(host);
    if (endpoint === undefined && proxy !== undefined && !bypass(host, port)) {
      openTunnel({ proxy, host, port, timeoutMs, trust }).then(
        (socket) => callback?.(null, this.#dial(host, { ...secure, socket })),
        (error: unknown) => {
          const failure =
            error instanceof AmlpromoteError
              ? error
              : new AmlpromoteError('UNREACHABLE', `proxy ${proxy.host}: unusable`, { cause: error });
          this.#failures.set(host, failure);
          // The type wants a stream beside the error; Node looks at the error alone.
          callback?.(failure, new net.Socket().destroy());
        },
      );
      return undefined;
    }
    return this.#dial(host, {
      ...secure,
      ...(endpoint
        ? { host: endpoint.address, hostname: endpoint.address, port: endpoint.port ?? port }
        : {}),
    });
  }

  #dial(host: string, options: DialOptions): Duplex {
    const socket = super.createConnection(options);
    if (!(socket instanceof tls.TLSSocket))
      throw new TypeError('https.Agent made something else than a TLS socket');
    const timer = setTimeout(() => {
      socket.destroy(silence(host, this.#settings.timeoutMs));
    }, this.#settings.timeoutMs);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      this.#failures.delete(host);
    });
    socket.once('close', () => clearTimeout(timer));
    socket.once('error', (error) => {
      const failure = networkError(error, host);
      if (failure) this.#failures.set(host, failure);
    });
    explainCertificates(socket, host);
    return socket;
  }
}

/** The peer's certificate is gone once the socket is destroyed, and Node's error does not carry it: so it is read on the way. */
function explainCertificates(socket: tls.TLSSocket, host: string): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    if (error === undefined || !isCertificateError(error)) return destroy(error);
    const peer = socket.getPeerCertificate();
    return destroy(certificateError(host, error, Object.keys(peer).length === 0 ? undefined : peer));
  };
}

const silence = (host: string, milliseconds: number): AmlpromoteError =>
  new AmlpromoteError('UNREACHABLE', `${host} did not answer within ${milliseconds} ms`, {
    nextSteps: [
      `Check the private endpoint, firewall and proxy on the way to ${host}: dropped packets look like this.`,
      'Without private DNS, give the address in network.resolve of the zone.',
    ],
  });
