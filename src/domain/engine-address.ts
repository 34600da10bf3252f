import { AmlpromoteError } from './errors.ts';

/** Where an engine listens. */
export type Endpoint =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

/**
 * Reads an address of the form of `DOCKER_HOST`: `unix:///path`, `npipe:////./pipe/name`, `tcp://host[:port]`,
 * `http(s)://host[:port]`, or a path. tcp is TLS when certificates were given.
 * @throws USAGE for anything else (ssh:// included: forward the socket instead)
 */
export function parseEndpoint(address: string, tls: boolean): Endpoint {
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  if (scheme === '' && address.startsWith('/')) return { socketPath: address };
  if (scheme === 'unix' && rest.startsWith('/')) return { socketPath: rest };
  if (scheme === 'npipe') return { socketPath: rest.replaceAll('/', '\\') };
  if (scheme === 'tcp' || scheme === 'http' || scheme === 'https') {
    const protocol = scheme === 'https' || (scheme === 'tcp' && tls) ? 'https' : 'http';
    const url = parseUrl(`${protocol}://${rest}`);
    if (url && url.hostname !== '' && ['', '/'].includes(url.pathname) && url.username === '') {
      const port = url.port === '' ? (protocol === 'https' ? 2376 : 2375) : Number(url.port);
      return { protocol, host: url.hostname.replaceAll(/^\[|\]$/g, ''), port };
    }
  }
  throw new AmlpromoteError(
    'USAGE',
    `${JSON.stringify(address.slice(0, 200))} is not the address of an engine`,
    {
      nextSteps: [
        'Write unix:///path/to/docker.sock or tcp://host:2376 (DOCKER_HOST).',
        ...(scheme === 'ssh'
          ? [
              'ssh:// is not supported; forward the socket instead: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST',
            ]
          : []),
      ],
    },
  );
}

/** Where to look for the engine. */
export interface EnginePlaces {
  /** `DOCKER_HOST`: then nothing else is tried. */
  readonly host?: string;
  /** Addresses to try in this order. */
  readonly hosts: readonly string[];
  /** `DOCKER_CERT_PATH`: a directory with ca.pem, cert.pem and key.pem; makes tcp:// TLS. */
  readonly certificates?: string;
}

/**
 * What the environment says about the engine. Everything that looks for one asks here: commands, the sandbox's compute, the
 * demo. An empty variable is one that is not set.
 * @param home the user's home directory
 */
export function enginePlaces(
  environment: Readonly<Record<string, string | undefined>>,
  home: string | undefined,
): EnginePlaces {
  const { DOCKER_HOST: host, DOCKER_CERT_PATH: certificates, XDG_RUNTIME_DIR: runtime } = environment;
  return {
    ...(host ? { host } : {}),
    hosts: host ? [host] : usualSockets(runtime, home),
    ...(certificates ? { certificates } : {}),
  };
}

/** Best first: Docker's, a rootless Docker's, Docker Desktop's, Podman's, a rootless Podman's. */
function usualSockets(runtimeDirectory: string | undefined, home: string | undefined): readonly string[] {
  return [
    'unix:///var/run/docker.sock',
    ...(runtimeDirectory ? [`unix://${runtimeDirectory}/docker.sock`] : []),
    ...(home ? [`unix://${home}/.docker/run/docker.sock`, `unix://${home}/.docker/desktop/docker.sock`] : []),
    'unix:///run/podman/podman.sock',
    ...(runtimeDirectory ? [`unix://${runtimeDirectory}/podman/podman.sock`] : []),
  ];
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
