import { isTag } from '../../domain/names.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { pullScope } from './auth.ts';
import type { Client } from './client.ts';
import { notARegistry, protocolError } from './errors.ts';
import { pages } from './pages.ts';

/** Every tag (distribution-spec, "Listing Tags"); empty for a missing repository. */
export async function listTags(client: Client, repository: string): Promise<readonly string[]> {
  const what = `list the tags of ${repository}`;
  const url = new URL(`/v2/${repository}/tags/list?n=1000`, client.base);
  const found = new Set<string>();
  const most = 1024 * 1024;
  for await (const answer of pages(client, url, { scope: pullScope(repository), what, most })) {
    if (answer.status === 404) break;
    if (answer.status !== 200) throw client.errorOf(answer, what);
    const body = parseStrictJson(answer.body, {
      where: `${client.host}: tags of ${repository}`,
      maxBytes: most,
    });
    const tags: unknown = typeof body === 'object' && body !== null && 'tags' in body ? body.tags : undefined;
    // Go writes an empty list as null. An object without one is somebody else's, and says nothing about tags.
    if (tags === undefined) throw notARegistry(client.host, what);
    if (tags === null) continue;
    if (!Array.isArray(tags)) throw protocolError(client.host, `cannot ${what}: not a list`);
    for (const tag of tags as readonly unknown[]) {
      if (typeof tag !== 'string' || !isTag(tag))
        throw protocolError(client.host, `lists a malformed tag of ${repository}`);
      found.add(tag);
    }
  }
  return [...found];
}
