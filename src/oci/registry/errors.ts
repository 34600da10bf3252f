import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../../domain/errors.ts';
import { AmlpromoteError } from '../../domain/errors.ts';

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

/** Text from outside for a message: one line, no control or bidi characters, cut short (threat 31). */
export const safeText = (text: string, most = 300): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, most);

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

/** ACR's firewall: the network was refused, not the identity. */
const ipRule = /client with IP '?([0-9a-fA-F.:]{2,45})'? is not allowed/;

/**
 * What an unexpected status means to an operator. `what`: "host: verb subject", without query strings.
 * 404 is judged by the callers, for it is an answer where something may be absent.
 */
export function errorOf(answer: Answer, host: string, what: string): AmlpromoteError {
  const { status } = answer;
  const { code, message } = diagnosticOf(answer.body);
  const said = [code, message].filter((part) => part !== '').join(': ');
  const text = `${host}: ${what} was answered with ${String(status)}${said === '' ? '' : ` (${said})`}`;
  const denied = ipRule.exec(message);
  if (denied && (status === 401 || status === 403)) {
    return new AmlpromoteError(
      'NETWORK_DENIED',
      `${host} does not let this network in: client address ${denied[1] ?? 'unknown'} is not allowed`,
      {
        nextSteps: [
          `Reach ${host} through its private endpoint: check private DNS or network.resolve of the zone.`,
          'If this machine may use the public endpoint, add its address to the IP rules of the registry.',
        ],
      },
    );
  }
  const make = (errorCode: ErrorCode, ...nextSteps: string[]): AmlpromoteError =>
    new AmlpromoteError(errorCode, text, { nextSteps });
  if (status === 401) {
    return make(
      'UNAUTHENTICATED',
      `Check the identity and its credentials for ${host} in the zones manifest.`,
      `A registry may also answer so when a role is missing (pull: AcrPull, push: AcrPush): look at the roles of this identity on ${host}.`,
    );
  }
  if (status === 403 || status === 405) {
    return make(
      'FORBIDDEN',
      `Give the identity of this side the role it needs on ${host} (pull: AcrPull, push: AcrPush, or their repository-scoped twins).`,
      'A locked repository, tag or manifest answers the same: look at its writeEnabled property.',
    );
  }
  if (status === 404) return make('NOT_FOUND', `Check that the registry and repository exist on ${host}.`);
  if (status === 408) return make('TIMEOUT', 'Run again; what is done stays done.');
  if (status === 429) return make('THROTTLED', 'Wait some minutes and run again; what is done stays done.');
  if (status >= 500)
    return make('SERVICE_FAILED', 'Run again; what is done stays done.', `Look at the health of ${host}.`);
  if (status >= 300 && status < 400) {
    return make(
      'CONTENT_INVALID',
      'Only downloads of blobs may be redirected: check what answers for this host.',
    );
  }
  return make('OPERATION_FAILED', `Read the answer of ${host} above; run again once its cause is gone.`);
}

/** A broken promise of the protocol by the registry: definite, not worth a retry. */
export const protocolError = (host: string, why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${host}: ${why}`, {
    nextSteps: [`Check what answers for ${host}; a registry does not do this.`],
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
