/** The `network` part of a zone's `access`: how this side reaches hosts that its DNS, firewall or proxy hide. */
export interface NetworkSettings {
  /** Host name → `ADDRESS` or `ADDRESS:PORT`, like `curl --resolve`; `"*"` stands for every host. TLS still asks for the host's own certificate. */
  readonly resolve?: Readonly<Record<string, string>> | undefined;
  /** Absolute path of a PEM file with certificate authorities, added to the system's roots. */
  readonly ca?: string | undefined;
  /** `http://[user:password@]host[:port]` or https. */
  readonly proxy?: string | undefined;
}

/** What the environment says about proxies; read by `src/cli/settings.ts`, never here. */
export interface ProxyEnvironment {
  /** HTTPS_PROXY. The zone's own `proxy` wins over it. */
  readonly httpsProxy?: string | undefined;
  /** NO_PROXY: hosts, domain suffixes, `host:port`, addresses, CIDR blocks, or `*`. Holds for both kinds of proxy. */
  readonly noProxy?: string | undefined;
}

export interface AgentOptions extends ProxyEnvironment {
  /** How long a TCP, TLS or proxy handshake may take, in milliseconds; default 15,000. A blocked private endpoint drops packets without a word. */
  readonly connectTimeoutMs?: number;
}
