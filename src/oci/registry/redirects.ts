import type { IncomingMessage } from 'node:http';
import { safeText } from '../../network/foreign-text.ts';
import type { Answer } from './errors.ts';
import { protocolError } from './errors.ts';
import { isLoopbackHost } from './options.ts';
import type { Transport, WireRequest } from './transport.ts';

/** A large body, or what came instead of it. */
export type Opened =
  | { readonly incoming: IncomingMessage; readonly answer?: undefined; readonly elsewhere?: string }
  | {
      readonly incoming?: undefined;
      readonly answer: Answer;
      /** The other host that answered: no 401 of it concerns our tokens. */
      readonly elsewhere?: string;
    };

export const isSuccess = (status: number | undefined): boolean =>
  status !== undefined && status >= 200 && status < 300;

/**
 * Follows redirects of a download. `Authorization` stays behind as soon as host, port or scheme differ (threat 26), and does
 * not come back. https only, but plain http between loopback hosts.
 * @throws CONTENT_INVALID for a redirect that must not be followed, or too many
 */
export async function followRedirects(
  transport: Transport,
  request: WireRequest,
  base: URL,
  most: number,
): Promise<Opened> {
  let { url, headers } = request;
  for (let hops = 0; hops <= most; hops += 1) {
    const incoming = await transport.open({ ...request, url, headers });
    const elsewhere = url.origin === base.origin ? {} : { elsewhere: url.host };
    if (isSuccess(incoming.statusCode)) return { incoming, ...elsewhere };
    const answer = await smallAnswer(incoming);
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) {
      return { answer, ...elsewhere };
    }
    const next = targetOf(location, url, base);
    if (next.origin !== url.origin) headers = withoutAuthorization(headers);
    url = next;
  }
  throw protocolError(base.host, `redirects a download more than ${String(most)} times`);
}

function targetOf(location: string, from: URL, base: URL): URL {
  const target = URL.parse(location, from.href);
  const secure = target?.protocol === 'https:';
  const loopback = base.protocol === 'http:' && target?.protocol === 'http:' && isLoopbackHost(target.host);
  if (!target || !(secure || loopback) || target.username !== '' || target.password !== '') {
    throw protocolError(
      base.host,
      `redirects a download to ${safeText(target?.origin ?? 'nowhere', 100)}, which is not acceptable (https only)`,
    );
  }
  return target;
}

function withoutAuthorization(headers: WireRequest['headers']): WireRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
}

/** What came instead of a large body: its beginning is enough, and the connection is given up if there is more. */
export async function smallAnswer(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > 64 * 1024) break;
    }
  } catch {
    // The status says enough.
  }
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
}
