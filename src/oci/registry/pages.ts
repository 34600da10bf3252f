import type { Scope } from './auth.ts';
import type { Client } from './client.ts';
import type { Answer } from './errors.ts';
import { protocolError } from './errors.ts';

/**
 * The pages of a listing, by `Link: <…>; rel="next"` (RFC 8288) on the registry itself. Ends with an error where the registry
 * never ends (threat 17).
 */
export async function* pages(
  client: Client,
  first: URL,
  request: {
    readonly scope: Scope;
    readonly what: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly most: number;
    readonly pageMeansNone?: boolean;
  },
): AsyncGenerator<Answer, void, undefined> {
  const seen = new Set<string>();
  let url: URL | undefined = first;
  while (url) {
    if (seen.has(url.href) || seen.size >= client.limits.pages) {
      throw protocolError(client.host, `does not come to an end when asked to ${request.what}`);
    }
    seen.add(url.href);
    const answer: Answer = await client.send({ method: 'GET', url, ...request });
    yield answer;
    url = nextOf(client, answer, url);
  }
}

function nextOf(client: Client, answer: Answer, from: URL): URL | undefined {
  const link = answer.headers.link;
  const match = /<([^<>]{1,4096})>\s*;[^,]*\brel\s*=\s*"?next"?/i.exec(
    Array.isArray(link) ? link.join(',') : (link ?? ''),
  );
  if (!match) return undefined;
  const target = URL.parse(match[1] ?? '', from.href);
  if (target?.origin !== client.base.origin) {
    throw protocolError(client.host, 'continues a listing on another host');
  }
  return target;
}
