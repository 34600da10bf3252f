import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SandboxContext } from '../context.ts';
import { ResponseError } from '../http.ts';
import { writeFileAtomic } from '../store/files.ts';
import { identities } from '../topology.ts';
import { accessToken, audienceOf } from './entra.ts';

export interface ManagedIdentity {
  readonly handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
  /** Tells users where it is, once the port is known: `inside/managed-identity.env`. */
  announce(port: number): void;
}

/**
 * The App Service flavour of managed identity, which the SDK finds through IDENTITY_ENDPOINT and IDENTITY_HEADER. The
 * IMDS flavour has a fixed plain-http address (169.254.169.254), which an https agent cannot redirect: not offered.
 */
export function managedIdentity(context: SandboxContext): ManagedIdentity {
  const secret = randomUUID();
  return {
    handle: (incoming, outgoing) => {
      const { status, body } = answer(context, incoming, secret);
      outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      outgoing.end(JSON.stringify(body));
    },
    announce: (port) => {
      const lines = [`IDENTITY_ENDPOINT=http://127.0.0.1:${port}/msi/token`, `IDENTITY_HEADER=${secret}`, ''];
      writeFileAtomic(join(context.directory, 'inside', 'managed-identity.env'), lines.join('\n'), 0o600);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

function answer(context: SandboxContext, incoming: IncomingMessage, secret: string): Answer {
  const url = URL.parse(incoming.url ?? '/', 'http://127.0.0.1');
  if (url?.pathname !== '/msi/token') return { status: 404, body: { error: 'not_found' } };
  if (incoming.headers['x-identity-header'] !== secret)
    return { status: 401, body: { error: 'unauthorized', error_description: 'wrong X-IDENTITY-HEADER' } };
  const clientId = url.searchParams.get('client_id') ?? identities['inside-promoter'].clientId;
  // On the machine that promotes inside there is that one identity.
  if (clientId !== identities['inside-promoter'].clientId)
    return { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } };
  try {
    const resource = url.searchParams.get('resource') ?? '';
    const token = accessToken(context, identities['inside-promoter'], audienceOf(`${resource}/.default`));
    const expires_on = String(Math.floor(context.clock.now().getTime() / 1000) + token.expires_in);
    return { status: 200, body: { ...token, expires_on, resource, client_id: clientId } };
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return { status: error.response.status, body: error.response.body as object };
  }
}
