import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../../domain/errors.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { Cause } from '../../network/causes.ts';
import { causeOf, whoAnswers } from '../../network/causes.ts';
import { safeText } from '../../network/foreign-text.ts';

/** An answer of a registry whose body, if any, is small and in memory. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

interface Diagnostic {
  readonly code: string;
  readonly message: string;
}

/** The first entry of an OCI error body (distribution-spec, "Error Codes"); else the beginning of the text. */
export function diagnosticOf(body: Uint8Array): Diagnostic {
  const text = Buffer.from(body.subarray(0, 64 * 1024)).toString('utf8');
  try {
    const parsed = JSON.parse(text) as { errors?: unknown } | null;
    const first: unknown = Array.isArray(parsed?.errors) ? parsed.errors[0] : undefined;
    if (typeof first === 'object' && first !== null) {
      const { code, message } = first as { code?: unknown; message?: unknown };
      return {
        code: typeof code === 'string' ? safeText(code, 60) : '',
        message: typeof message === 'string' ? safeText(message) : '',
      };
    }
  } catch {
    // Not JSON: a proxy or load balancer speaks.
  }
  return { code: '', message: /^\s*</.test(text) ? '' : safeText(text) };
}

/** ACR's firewall tells whom it did not let in. */
const ipRule = /client with IP '?([0-9a-fA-F.:]{2,45})'? is not allowed/;

/**
 * What an unexpected status means to an operator, by the table of `network/causes.ts`. `what`: "verb subject", without query
 * strings. 404 is judged by the callers, for it is an answer where something may be absent.
 */
export function errorOf(answer: Answer, host: string, what: string): AmlpromoteError {
  const { status, headers } = answer;
  const { code, message } = diagnosticOf(answer.body);
  const said = [code, message].filter((part) => part !== '').join(': ');
  const text = `${host}: ${what} was answered with ${String(status)}${said === '' ? '' : ` (${said})`}`;
  const cause = causeOf({ status, code, message, type: headers['content-type'] });
  const make = (errorCode: ErrorCode, words: string, nextSteps: readonly string[]): AmlpromoteError =>
    new AmlpromoteError(errorCode, words, { nextSteps });
  if (cause.name === 'page') return make(cause.code, `${text}: ${cause.said}`, cause.nextSteps(host));
  if (cause.name === 'network') {
    const client = ipRule.exec(message)?.[1];
    const who = client === undefined ? '' : `: client address ${client} is not allowed`;
    return make(cause.code, client === undefined ? text : `${host} does not let this network in${who}`, [
      `Reach ${host} through its private endpoint: check private DNS or network.resolve of the zone.`,
      'If this machine may use the public endpoint, add its address to the IP rules of the registry.',
    ]);
  }
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers.location ?? '', `https://${host}/`)?.host;
    if (target !== undefined && target !== host) return sentElsewhere(host, what, target);
    return make('CONTENT_INVALID', text, [
      'Only downloads of blobs may be redirected: check what answers for this host.',
    ]);
  }
  const own: Partial<Record<Cause['name'], readonly string[]>> = {
    identity: [
      `Check the identity and its credentials for ${host} in the zones manifest.`,
      `A registry may also answer so when a role is missing (pull: AcrPull, push: AcrPush): look at the roles of this identity on ${host}.`,
    ],
    role: mayNot(host),
    missing: [`Check that the registry and repository exist on ${host}.`],
  };
  if (status === 405) return make('FORBIDDEN', text, mayNot(host));
  if (cause.name === 'request') return make('OPERATION_FAILED', text, cause.nextSteps(host));
  return make(cause.code, text, own[cause.name] ?? cause.nextSteps(host));
}

const mayNot = (host: string): readonly string[] => [
  `Give the identity of this side the role it needs on ${host} (pull: AcrPull, push: AcrPush, or their repository-scoped twins).`,
  'A locked repository, tag or manifest answers the same: look at its writeEnabled property.',
];

/**
 * Neither token nor content goes to another host because an answer says so (threats 26, 27). That a registry says so is, as a rule,
 * a matter of the network: a missing record lets the public endpoint, a replica or a portal answer.
 */
export const sentElsewhere = (host: string, what: string, target: string): AmlpromoteError =>
  new AmlpromoteError(
    'NETWORK_DENIED',
    `${host}: ${what} was sent on to ${safeText(target, 100)}, another host, where nothing is sent`,
    {
      nextSteps: [
        `Add the missing record: the private address of ${host} in private DNS, or "${host}: ADDRESS" in network.resolve of the zone.`,
        `If ${safeText(target, 100)} is the registry that is meant, name it as registry.host in the zones manifest; if nobody knows it, somebody else answers for ${host}: stop and ask.`,
      ],
    },
  );

/** A broken promise of the protocol by the registry: definite, not worth a retry. */
export const protocolError = (host: string, why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${host}: ${why}`, {
    nextSteps: [`Check what answers for ${host}; a registry does not do this.`],
  });

/** An answer that no registry would give, where it would decide that something is there: not known, rather than a "no". */
export const notARegistry = (host: string, what: string): AmlpromoteError =>
  new AmlpromoteError('UNREACHABLE', `${host}: ${what}: the answer is not a registry's`, {
    nextSteps: whoAnswers(host),
  });

export const timeout = (host: string, what: string, milliseconds: number): AmlpromoteError =>
  new AmlpromoteError('TIMEOUT', `${host}: ${what} within ${String(milliseconds / 1000)} s`, {
    nextSteps: [
      'Run again; what is done stays done.',
      `Check the way to ${host}: firewall, proxy, private endpoint.`,
    ],
  });

export const interrupted = (): AmlpromoteError =>
  new AmlpromoteError('INTERRUPTED', 'interrupted; run again to go on where it stopped');

/** Certificate trouble and the like: told apart by code, see `isTransient`. */
const permanentCauses = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL|ENOTFOUND$|EPROTO$)/;

/** Worth another try: the connection broke or nobody answered in time, and it is not a matter of trust or of a name. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof AmlpromoteError)) return false;
  if (error.code === 'TIMEOUT') return true;
  if (error.code !== 'UNREACHABLE') return false;
  const { cause } = error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  return !permanentCauses.test(code);
}

export const isRetriedStatus = (status: number): boolean =>
  status === 408 || status === 429 || status === 500 || status === 502 || status === 503 || status === 504;
