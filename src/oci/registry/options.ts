import type http from 'node:http';
import type https from 'node:https';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isRegistryHost } from '../../domain/names.ts';
import type { Clock } from '../../ports/clock.ts';

export interface RegistryOptions {
  /** `host[:port]`, as in references. */
  readonly host: string;
  /** The zone's agent (resolve, ca, proxy). Default: an own keep-alive agent with the system's roots. */
  readonly agent?: https.Agent | http.Agent;
  /** `http` only for loopback hosts (threat 30). */
  readonly scheme?: 'https' | 'http';
  /** An AAD access token for `https://containerregistry.azure.net`; only for ACR hosts (threat 29). */
  readonly token?: (signal?: AbortSignal) => Promise<{ readonly token: string }>;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly userAgent?: string;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** Jitter, 0 ≤ n < 1. */
  readonly random?: () => number;
  /** Ends everything that this client does, as INTERRUPTED. */
  readonly signal?: AbortSignal;
}

/** Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** TCP and TLS handshake. */
  readonly connect: number;
  /** A whole small request, and the headers of a large one. */
  readonly request: number;
  /** A transfer that moves less than `idleBytes` in this time, while we wait for the other end, is dead (threat 41). */
  readonly idle: number;
  readonly idleBytes: number;
  /** From the last byte of an upload to the answer: the registry may hash and move the blob first. */
  readonly commit: number;
  /** Tries per request, the first included. */
  readonly attempts: number;
  /**
   * After this time nobody is tried a third time who does not answer at all. In all a dead port costs three tries of `connect`, and
   * not five of everything.
   */
  readonly patience: number;
  /** First pause between tries; doubles up to `pauseMax`; the actual pause is between a half and the whole of it. */
  readonly pause: number;
  readonly pauseMax: number;
  /** A `Retry-After` longer than this is not waited for. */
  readonly retryAfterMax: number;
  /** Pages of any listing (threat 17). */
  readonly pages: number;
  readonly redirects: number;
  /** Chunks of a resumed upload. */
  readonly chunk: number;
  readonly readAhead: ReadAhead;
}

/**
 * On slow links: when one connection is the bottleneck, the rest of a large blob comes in parts over several. The memory for it
 * is bounded: `parts` × `partBytes` for each blob in transfer.
 */
export interface ReadAhead {
  readonly partBytes: number;
  readonly parts: number;
  /** Bytes per second above which a connection is not slow. */
  readonly slow: number;
  /** Share of the time in which this process is busy: above it the bottleneck is here, and more connections only cost. */
  readonly busy: number;
}

export const defaultLimits: Limits = {
  connect: 15_000,
  request: 60_000,
  idle: 60_000,
  idleBytes: 4096,
  commit: 10 * 60_000,
  attempts: 5,
  patience: 45_000,
  pause: 500,
  pauseMax: 20_000,
  retryAfterMax: 120_000,
  pages: 200,
  redirects: 5,
  chunk: 64 * 1024 * 1024,
  readAhead: { partBytes: 8 * 1024 * 1024, parts: 3, slow: 100e6, busy: 0.7 },
};

/** Where the Azure Container Registry service lives, sovereign clouds included. */
const acrSuffixes = ['.azurecr.io', '.azurecr.us', '.azurecr.cn'] as const;

export const withoutPort = (host: string): string => host.replace(/:\d+$/, '');

/** Threat 29: an exact suffix of the host name; `x.azurecr.io.evil.test` and `azurecr.io` itself are not ACR. */
export const isAcrHost = (host: string): boolean =>
  acrSuffixes.some(
    (suffix) => withoutPort(host).endsWith(suffix) && withoutPort(host).length > suffix.length,
  );

export const isLoopbackHost = (host: string): boolean =>
  /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(withoutPort(host));

/** The origin of the registry. @throws USAGE for what must not be asked for (threats 29, 30) */
export function baseOf(options: RegistryOptions): URL {
  const { host, scheme = 'https', token } = options;
  if (!isRegistryHost(host))
    throw new AmlpromoteError('USAGE', `${JSON.stringify(host)} is not a registry host`);
  if (scheme === 'http' && !isLoopbackHost(host)) {
    throw new AmlpromoteError('USAGE', `${host}: plain http is for loopback only`, {
      nextSteps: [
        'Use the registry over https; put a private certificate authority into network.ca of the zone.',
      ],
    });
  }
  if (token && (!isAcrHost(host) || scheme !== 'https')) {
    throw new AmlpromoteError(
      'USAGE',
      `${host} is not an Azure Container Registry: it gets no Entra ID token`,
      {
        nextSteps: ['Check the registry host in the zones manifest.'],
      },
    );
  }
  return new URL(`${scheme}://${host}/`);
}
