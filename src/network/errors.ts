import type { PeerCertificate } from 'node:tls';
import { AmlpromoteError } from '../domain/errors.ts';

/** Node's and OpenSSL's names for "this certificate does not convince me". */
const certificateCodes =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_)/;

export const isCertificateError = (error: unknown): boolean => certificateCodes.test(codeOf(error));

/** `code` of an error of Node or of an SDK, or ''. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Where a connection was tried, as Node's error tells it: the name is often not where it leads to. */
const addressOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'address' in error && typeof error.address === 'string'
    ? error.address
    : undefined;

function placeOf(error: unknown): string {
  const address = addressOf(error);
  if (address === undefined) return '';
  const port = (error as { port?: unknown }).port;
  const shown = address.includes(':') ? `[${address}]` : address;
  return ` at ${shown}${typeof port === 'number' ? `:${port}` : ''}`;
}

const isThisMachine = (error: unknown): boolean => /^(?:127\.|::1$)/.test(addressOf(error) ?? '');

/** UNREACHABLE that names who signed the certificate: the reader can then tell a firewall from an attack. */
export function certificateError(
  host: string,
  error: Error,
  peer: PeerCertificate | undefined,
): AmlpromoteError {
  const code = codeOf(error);
  const issuer = peer === undefined ? 'an unknown issuer' : nameOf(peer.issuer);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new AmlpromoteError(
      'UNREACHABLE',
      `${host}: the server's certificate is for other names (issued by ${issuer})`,
      {
        nextSteps: [`Check network.resolve and private DNS: ${host} leads to another service.`],
        cause: error,
      },
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new AmlpromoteError(
      'UNREACHABLE',
      `${host}: a certificate issued by ${issuer} is not valid now (${code})`,
      { nextSteps: ["Check this machine's clock first, then the certificate."], cause: error },
    );
  }
  return new AmlpromoteError(
    'UNREACHABLE',
    `${host}: the certificate is issued by ${issuer}, which is not trusted here (${code})`,
    {
      nextSteps: [
        'If your firewall re-signs TLS, put its certificate authority into network.ca of the zone.',
        'If it does not, somebody else answers for this host: stop and ask.',
      ],
      cause: error,
    },
  );
}

function nameOf(issuer: PeerCertificate['issuer'] | undefined): string {
  const parts = (['CN', 'O'] as const).flatMap((key) => {
    const value = issuer?.[key];
    return value === undefined ? [] : [`${key}=${[value].flat().join('+')}`];
  });
  return parts.length === 0 ? 'an unnamed issuer' : JSON.stringify(parts.join(', '));
}

/** OpenSSL's words for bytes that are no TLS record. */
const isOtherProtocol = (error: unknown): boolean =>
  /^(?:EPROTO|ERR_SSL_)/.test(codeOf(error)) &&
  error instanceof Error &&
  /wrong version number|http request|packet length too long|unexpected message type/i.test(error.message);

/**
 * What a failed connection means to an operator; undefined when the error is not about the network.
 * AmlpromoteErrors (from the agent) pass through.
 */
export function networkError(error: unknown, host: string): AmlpromoteError | undefined {
  if (error instanceof AmlpromoteError) return error;
  const make = (message: string, nextSteps: readonly string[]): AmlpromoteError =>
    new AmlpromoteError('UNREACHABLE', message, { nextSteps, cause: error });
  const route = `Check the private endpoint, firewall and proxy on the way to ${host}; without private DNS, set network.resolve of the zone.`;
  const code = codeOf(error);
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return make(`${host} cannot be resolved (${code})`, [
        `Check the private DNS zone for ${host}, or give its address in network.resolve of the zone.`,
      ]);
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ESOCKETTIMEDOUT':
      return make(`${host} cannot be reached${placeOf(error)} (${code})`, [
        ...(isThisMachine(error)
          ? [
              'That address is this machine. If a sandbox should be there, start it: amlpromote sandbox start --dir DIR --detach; else correct network.resolve of the zone.',
            ]
          : [route]),
      ]);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
    case 'REQUEST_SEND_ERROR':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return make(`${host} broke the connection off (${code})`, [
        'Run again; what is done stays done.',
        route,
      ]);
    case 'EPROTO':
    default:
      if (isOtherProtocol(error)) {
        return make(`${host} does not speak TLS there: plain http or another protocol answers`, [
          `Use the port on which ${host} serves https (also in network.resolve of the zone, if it names one); plain http is not used, for anybody on the way could change what it brings.`,
        ]);
      }
      if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
        return make(`${host}: the TLS handshake failed (${code})`, [route]);
      }
      return undefined;
  }
}
