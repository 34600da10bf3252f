import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { safeText } from '../../network/foreign-text.ts';
import { pushScope } from './auth.ts';
import type { Client } from './client.ts';
import type { Answer } from './errors.ts';
import { protocolError, sentElsewhere } from './errors.ts';
import { isSuccess } from './redirects.ts';

/** An upload session; every answer of the registry may move it. */
export interface Session {
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
}

/**
 * Starts a session, or mounts (distribution-spec, "Mounting a blob from another repository"): a 202 to a mount is a session to
 * use. Where the sibling may not be read, it is uploaded instead.
 */
export async function beginUpload(
  client: Client,
  repository: string,
  descriptor: Descriptor,
  mountFrom: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Session | 'mounted'> {
  const what = `start an upload to ${repository}`;
  const url = new URL(`/v2/${repository}/blobs/uploads/`, client.base);
  if (mountFrom !== undefined) {
    url.searchParams.set('mount', descriptor.digest);
    url.searchParams.set('from', mountFrom);
  }
  let answer: Answer;
  try {
    answer = await client.send({
      method: 'POST',
      url,
      scope: pushScope(repository, mountFrom),
      what,
      signal,
    });
    if (answer.status !== 201 && answer.status !== 202) throw client.errorOf(answer, what);
  } catch (error) {
    const denied = error instanceof AmlpromoteError && ['FORBIDDEN', 'UNAUTHENTICATED'].includes(error.code);
    if (!denied || mountFrom === undefined) throw error;
    return beginUpload(client, repository, descriptor, undefined, signal);
  }
  if (answer.status === 201) {
    // Without a mount nothing can be there yet, whoever says so.
    if (mountFrom === undefined)
      throw protocolError(client.host, 'takes an upload for finished that has not begun');
    return 'mounted';
  }
  return { location: locationOf(client, answer, url), offset: 0 };
}

/** `Location` of an answer; only on the registry itself (threat 27). @throws NETWORK_DENIED for another host, CONTENT_INVALID */
function locationOf(client: Client, answer: Answer, from: URL): URL {
  const target = URL.parse(answer.headers.location ?? '', from.href);
  if (!answer.headers.location || !target) {
    throw protocolError(client.host, 'started an upload without saying where to send it');
  }
  if (target.host !== client.base.host) throw sentElsewhere(client.host, 'an upload', target.host);
  if (target.origin !== client.base.origin || target.username !== '' || target.password !== '') {
    throw protocolError(
      client.host,
      `wants an upload to be sent to ${safeText(target.origin, 100)}, in another way`,
    );
  }
  return target;
}

/** How far a session got; undefined when the registry does not know it (any more), or cannot say. */
export async function uploadStatus(
  client: Client,
  repository: string,
  session: Session,
  signal: AbortSignal | undefined,
): Promise<Session | undefined> {
  const what = `ask for an upload to ${repository}`;
  const answer = await client.send({
    method: 'GET',
    url: session.location,
    scope: pushScope(repository),
    what,
    signal,
  });
  if (!isSuccess(answer.status)) {
    if (answer.status < 500 && answer.status !== 401 && answer.status !== 403) return undefined;
    throw client.errorOf(answer, what);
  }
  return advanced(client, answer, session);
}

/** The session as an answer to GET or PATCH describes it. `0-0` is what registries also say for "nothing". */
export function advanced(client: Client, answer: Answer, session: Session): Session {
  const location =
    answer.headers.location === undefined ? session.location : locationOf(client, answer, session.location);
  const match = /^(?:bytes[= ])?0-(\d{1,16})$/.exec(answer.headers.range?.trim() ?? '');
  const last = Number(match?.[1] ?? 0);
  return { location, offset: last === 0 ? 0 : last + 1 };
}

/** Best effort: nothing of a refused upload is left behind, but its failure is not the story. */
export async function cancelUpload(client: Client, repository: string, session: Session): Promise<void> {
  try {
    await client.send({
      method: 'DELETE',
      url: session.location,
      scope: pushScope(repository),
      what: `cancel an upload to ${repository}`,
    });
  } catch {
    // The registry forgets it in time.
  }
}
