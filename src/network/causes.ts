import type { ErrorCode } from '../domain/errors.ts';
import { AmlpromoteError } from '../domain/errors.ts';

/** An HTTP answer that is not what was asked for, as far as it tells what went wrong. */
export interface Refusal {
  readonly status: number;
  /** The service's own code and words; '' where it gave none. */
  readonly code: string;
  readonly message: string;
  /** `Content-Type`. */
  readonly type?: string | undefined;
}

export interface Cause {
  readonly name:
    'page' | 'network' | 'identity' | 'role' | 'missing' | 'slow' | 'busy' | 'failing' | 'request';
  /** What happened, for a message: follows "HOST: ". */
  readonly said: string;
  /** All of them are "could not check" (20): what a service says of a request is no verdict about content. */
  readonly code: ErrorCode;
  readonly nextSteps: (host: string) => readonly string[];
}

interface Row extends Cause {
  readonly holds: (refusal: Refusal) => boolean;
}

const again = 'Run again; what is done stays done.';

/** Where something else answers for a host. */
export const whoAnswers = (host: string): readonly string[] => [
  `Check the proxy (network.proxy, HTTPS_PROXY, NO_PROXY) and the DNS record of ${host}: something else answers for it.`,
  `Without private DNS, give the address of ${host} in network.resolve of the zone.`,
];

/**
 * What an HTTP status means to an operator: the one table for registries, Azure Resource Manager, storage and tokens. The first
 * row that holds counts. Callers put their own next steps where they know better (the role, the line of the manifest).
 */
export const causes: readonly Row[] = [
  {
    name: 'page',
    said: 'a web page came instead of an answer: a proxy, a firewall or a login page stands in between',
    holds: ({ status, type }) => status === 511 || (isPage(type) && !isTrouble(status)),
    code: 'UNREACHABLE',
    nextSteps: (host) => whoAnswers(host),
  },
  {
    name: 'network',
    said: 'it does not accept connections from here',
    holds: ({ code, message }) =>
      /client with IP|is not allowed access|public network access .{0,40}(?:disabled|not allowed)|private ?link|private endpoint/i.test(
        message,
      ) ||
      /^(?:PublicNetworkAccess|AuthorizationFailure|PublicAccessDisabled|NetworkAccessDenied)/.test(code),
    code: 'NETWORK_DENIED',
    nextSteps: (host) => [
      `Run from inside the zone's network, or let its private endpoint and firewall rules admit this machine to ${host}.`,
      `Without private DNS, give the private address of ${host} in network.resolve of the zone.`,
    ],
  },
  {
    name: 'identity',
    said: 'it does not accept the identity',
    holds: ({ status }) => status === 401,
    code: 'UNAUTHENTICATED',
    nextSteps: () => [
      'Check tenant, clientId and kind of access.identity of the zone, and that the token file is fresh.',
    ],
  },
  {
    name: 'role',
    said: 'the identity may not',
    holds: ({ status, code }) => status === 403 || code === 'AuthorizationFailed',
    code: 'FORBIDDEN',
    nextSteps: () => ['Grant the identity a role that allows it; a new role takes some minutes to hold.'],
  },
  {
    name: 'missing',
    said: 'not there',
    holds: ({ status }) => status === 404,
    code: 'NOT_FOUND',
    nextSteps: () => ['Check the resource ids in the zones manifest: subscription, resource group and name.'],
  },
  {
    name: 'slow',
    said: 'timed out',
    holds: ({ status }) => status === 408 || status === 504,
    code: 'TIMEOUT',
    nextSteps: () => [again],
  },
  {
    name: 'busy',
    said: 'throttled',
    holds: ({ status }) => status === 429,
    code: 'THROTTLED',
    nextSteps: () => ['Wait a few minutes and run again; what is done stays done.'],
  },
  {
    name: 'failing',
    said: 'failed',
    holds: ({ status }) => status >= 500,
    code: 'SERVICE_FAILED',
    nextSteps: (host) => [again, `If it stays, look at the health of ${host}.`],
  },
  {
    name: 'request',
    said: 'failed',
    holds: () => true,
    code: 'SERVICE_FAILED',
    nextSteps: (host) => [`Read the answer of ${host}; run again once its cause is gone.`],
  },
];

export const causeOf = (refusal: Refusal): Cause => {
  const row = causes.find(({ holds }) => holds(refusal));
  if (!row) throw new TypeError('the last row holds for everything');
  return row;
};

/** No service that we ask answers with HTML; who does is somebody else. */
export const isPage = (type: string | undefined): boolean =>
  /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)/i.test(type ?? '');

/** Gateways in front of the service say in HTML that it is slow, busy or down: that is about the service. */
const isTrouble = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** An answer that may look like a success, or like "not there", and is neither: a page. @throws UNREACHABLE */
export function refusePage(status: number, type: string | undefined, host: string, what: string): void {
  const cause = causeOf({ status, code: '', message: '', type });
  if (cause.name !== 'page') return;
  throw new AmlpromoteError(cause.code, `${host}: ${what}: ${cause.said} (HTTP ${status})`, {
    nextSteps: cause.nextSteps(host),
  });
}
