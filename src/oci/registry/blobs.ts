import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { safeText } from '../../network/foreign-text.ts';
import { mismatch } from '../verified.ts';
import { pullScope } from './auth.ts';
import { blobStream } from './blob-stream.ts';
import type { OpenRange } from './blob-segment.ts';
import type { Client } from './client.ts';
import { notARegistry, protocolError } from './errors.ts';

const blobUrl = (client: Client, repository: string, descriptor: Descriptor): URL =>
  new URL(`/v2/${repository}/blobs/${descriptor.digest}`, client.base);

/**
 * HEAD (distribution-spec, "Checking if content exists in the registry"). "There" is believed only with the blob's own digest or
 * size: whatever answers 200 to everything names neither.
 * @throws INTEGRITY_MISMATCH for another size, UNREACHABLE where something else than a registry answers
 */
export async function hasBlob(client: Client, repository: string, descriptor: Descriptor): Promise<boolean> {
  const what = `look for blob ${repository}@${descriptor.digest}`;
  const { incoming, answer, elsewhere } = await client.open({
    method: 'HEAD',
    url: blobUrl(client, repository, descriptor),
    scope: pullScope(repository),
    what,
    redirects: true,
  });
  if (answer) {
    if (answer.status === 404) return false;
    throw client.errorOf(answer, what, elsewhere);
  }
  incoming.resume();
  checkSource(incoming, descriptor, elsewhere ?? client.host, what);
  checkLength(incoming, descriptor, descriptor.size);
  return true;
}

/**
 * GET. The returned stream goes on by itself after a break, where the server knows ranges; it does not check the digest.
 * @throws LISTED_CONTENT_MISSING, INTEGRITY_MISMATCH for another length
 */
export async function openBlob(
  client: Client,
  repository: string,
  descriptor: Descriptor,
): Promise<Readable> {
  const open: OpenRange = async (start, end) => requestBlob(client, repository, descriptor, start, end);
  return blobStream(client, await open(0), open, descriptor.size);
}

async function requestBlob(
  client: Client,
  repository: string,
  descriptor: Descriptor,
  start: number,
  end = descriptor.size,
): Promise<IncomingMessage> {
  const what = `read blob ${repository}@${descriptor.digest}`;
  const whole = start === 0 && end === descriptor.size;
  const { incoming, answer, elsewhere } = await client.open({
    method: 'GET',
    url: blobUrl(client, repository, descriptor),
    scope: pullScope(repository),
    what,
    redirects: true,
    ...(whole ? {} : { headers: { range: `bytes=${String(start)}-${String(end - 1)}` } }),
  });
  if (answer) {
    if (answer.status !== 404) throw client.errorOf(answer, what, elsewhere);
    throw new AmlpromoteError(
      'LISTED_CONTENT_MISSING',
      `${client.host}: ${repository} does not have ${descriptor.digest}`,
      { nextSteps: ['The registry lost a blob that a manifest lists: push or promote the image again.'] },
    );
  }
  if (!whole && !startsAt(incoming, start)) {
    incoming.destroy();
    throw protocolError(client.host, `does not send the part of ${descriptor.digest} that it was asked for`);
  }
  // Without a length the bytes are judged when they have come; a document of a proxy is none of ours from the start.
  const { 'content-length': length, 'content-type': type } = incoming.headers;
  if (whole && (length !== undefined || isDocument(type)))
    checkSource(incoming, descriptor, elsewhere ?? client.host, what);
  checkLength(incoming, descriptor, end - start);
  return incoming;
}

/** Documents of other services and of proxies; registries send blobs as `application/octet-stream` or as their media type. */
const isDocument = (type: string | undefined): boolean =>
  /^\s*(?:text\/|application\/(?:json|xml|problem\+json|problem\+xml)\s*(?:;|$))/i.test(type ?? '');

/**
 * Tells a registry that lies (a mismatch, definite) from something else that answers for it (could not check): neither names the
 * blob's digest, but only the second one has another length with another kind of document, or no length at all.
 */
function checkSource(incoming: IncomingMessage, descriptor: Descriptor, host: string, what: string): void {
  const digest = incoming.headers['docker-content-digest'];
  const { 'content-length': length, 'content-type': type } = incoming.headers;
  if (digest === descriptor.digest) return;
  if (digest !== undefined) {
    incoming.destroy();
    throw mismatch(descriptor, `the digest ${safeText(String(digest), 100)}`);
  }
  if (Number(length) === descriptor.size || (length !== undefined && !isDocument(type))) return;
  incoming.destroy();
  throw notARegistry(host, what);
}

const startsAt = (incoming: IncomingMessage, start: number): boolean =>
  incoming.statusCode === 206 &&
  (incoming.headers['content-range'] ?? '').startsWith(`bytes ${String(start)}-`);

/** A length that cannot be right is told before a byte is read (threat 18). */
function checkLength(incoming: IncomingMessage, descriptor: Descriptor, expected: number): void {
  const length = incoming.headers['content-length'];
  if (length === undefined || Number(length) === expected) return;
  incoming.destroy();
  throw mismatch(descriptor, `a length of ${length.slice(0, 20)} instead of ${String(expected)} bytes`);
}
