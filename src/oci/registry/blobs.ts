import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Descriptor } from '../../domain/descriptor.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mismatch } from '../verified.ts';
import { pullScope } from './auth.ts';
import type { Client } from './client.ts';
import { isTransient, protocolError } from './errors.ts';
import { wireError } from './transport.ts';

const blobUrl = (client: Client, repository: string, descriptor: Descriptor): URL =>
  new URL(`/v2/${repository}/blobs/${descriptor.digest}`, client.base);

/** HEAD (distribution-spec, "Checking if content exists in the registry"). @throws INTEGRITY_MISMATCH for another size */
export async function hasBlob(client: Client, repository: string, descriptor: Descriptor): Promise<boolean> {
  const what = `look for blob ${repository}@${descriptor.digest}`;
  const { incoming, answer } = await client.open({
    method: 'HEAD',
    url: blobUrl(client, repository, descriptor),
    scope: pullScope(repository),
    what,
    redirects: true,
  });
  if (answer) {
    if (answer.status === 404) return false;
    throw client.errorOf(answer, what);
  }
  incoming.resume();
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
  const openAt = async (offset: number): Promise<IncomingMessage> =>
    requestBlob(client, repository, descriptor, offset);
  return resumable(client, await openAt(0), openAt, descriptor);
}

async function requestBlob(
  client: Client,
  repository: string,
  descriptor: Descriptor,
  offset: number,
): Promise<IncomingMessage> {
  const what = `read blob ${repository}@${descriptor.digest}`;
  const { incoming, answer } = await client.open({
    method: 'GET',
    url: blobUrl(client, repository, descriptor),
    scope: pullScope(repository),
    what,
    redirects: true,
    ...(offset === 0 ? {} : { headers: { range: `bytes=${String(offset)}-` } }),
  });
  if (answer) {
    if (answer.status !== 404) throw client.errorOf(answer, what);
    throw new AmlpromoteError(
      'LISTED_CONTENT_MISSING',
      `${client.host}: ${repository} does not have ${descriptor.digest}`,
      { nextSteps: ['The registry lost a blob that a manifest lists: push or promote the image again.'] },
    );
  }
  if (offset > 0 && !continuesAt(incoming, offset)) {
    incoming.destroy();
    throw protocolError(client.host, `does not continue ${descriptor.digest} where the connection broke off`);
  }
  checkLength(incoming, descriptor, descriptor.size - offset);
  return incoming;
}

const continuesAt = (incoming: IncomingMessage, offset: number): boolean =>
  incoming.statusCode === 206 &&
  (incoming.headers['content-range'] ?? '').startsWith(`bytes ${String(offset)}-`);

/** A length that cannot be right is told before a byte is read (threat 18). */
function checkLength(incoming: IncomingMessage, descriptor: Descriptor, expected: number): void {
  const length = incoming.headers['content-length'];
  if (length === undefined || Number(length) === expected) return;
  incoming.destroy();
  throw mismatch(descriptor, `a length of ${length.slice(0, 20)} instead of ${String(expected)} bytes`);
}

/** Progress that makes a further break a new one. */
const progressBytes = 1024 * 1024;

function resumable(
  client: Client,
  first: IncomingMessage,
  openAt: (offset: number) => Promise<IncomingMessage>,
  descriptor: Descriptor,
): Readable {
  let current: IncomingMessage | undefined;
  let offset = 0;
  let breaks = 0;
  let brokenAt = 0;
  const stream = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => void current?.resume(),
    destroy(error, done) {
      current?.destroy();
      done(error);
    },
  });
  const attach = (incoming: IncomingMessage): void => {
    current = incoming;
    incoming.on('data', (chunk: Uint8Array) => {
      offset += chunk.byteLength;
      if (!stream.push(chunk)) incoming.pause();
    });
    incoming.on('end', () => stream.push(null));
    incoming.on('error', (error) => {
      // Ours went away first: this is its echo.
      if (stream.destroyed) return;
      goOn(wireError(error, client.host)).catch((failure: unknown) => stream.destroy(failure as Error));
    });
  };
  const goOn = async (error: AmlpromoteError): Promise<void> => {
    current = undefined;
    breaks = offset - brokenAt >= progressBytes ? 1 : breaks + 1;
    brokenAt = offset;
    if (!isTransient(error) || offset >= descriptor.size || !(await client.pause(breaks, undefined)))
      throw error;
    const incoming = await openAt(offset);
    if (stream.destroyed) incoming.destroy();
    else attach(incoming);
  };
  attach(first);
  return stream;
}
