import type { ServerResponse } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Faults } from './faults.ts';
import type { SandboxRequest, SandboxResponse } from './http.ts';

/** Writes a response, spoilt by whatever fault fits. @returns the status, 0 when the connection was cut */
export async function respond(
  request: SandboxRequest,
  outgoing: ServerResponse,
  response: SandboxResponse,
  faults: Faults,
): Promise<number> {
  const { status, body } = response;
  const headers: Record<string, string> = {
    'x-ms-request-id': String(outgoing.getHeader('x-ms-request-id')),
    ...response.headers,
  };
  const payload = encode(body, headers);
  // Content is spoilt, not the errors and redirects on the way to it.
  const hasContent = status === 200 || status === 206;
  if (hasContent && headers['docker-content-digest'] !== undefined && faults.take(request, 'wrong-digest'))
    headers['docker-content-digest'] = `sha256:${'0'.repeat(64)}`;
  if (payload instanceof Uint8Array) headers['content-length'] ??= String(payload.byteLength);
  outgoing.writeHead(status, headers);
  if (payload === undefined || request.method === 'HEAD') {
    outgoing.end();
    return status;
  }
  const source = payload instanceof Uint8Array ? Readable.from([payload]) : payload;
  const stages = hasContent ? spoilers(request, faults, Number(headers['content-length'] ?? 0)) : [];
  try {
    await pipeline([source, ...stages, outgoing]);
    return status;
  } catch {
    // The client went away, or a fault cut the stream: either way there is nobody left to tell.
    outgoing.destroy();
    return 0;
  }
}

function encode(
  body: SandboxResponse['body'],
  headers: Record<string, string>,
): Uint8Array | Readable | undefined {
  if (body === undefined || body instanceof Readable || body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body);
  headers['content-type'] ??= 'application/json; charset=utf-8';
  return Buffer.from(JSON.stringify(body));
}

function spoilers(request: SandboxRequest, faults: Faults, length: number): Transform[] {
  const stages: Transform[] = [];
  if (faults.take(request, 'corrupt')) stages.push(flipByteAt(Math.floor(length / 2)));
  const truncate = faults.take(request, 'truncate');
  if (truncate) stages.push(cutAfter(truncate.after));
  return stages;
}

function flipByteAt(position: number): Transform {
  let offset = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const at = position - offset;
      offset += chunk.byteLength;
      if (at < 0 || at >= chunk.byteLength) {
        done(null, chunk);
        return;
      }
      const spoilt = Buffer.from(chunk);
      spoilt[at] = (spoilt[at] ?? 0) ^ 0xff;
      done(null, spoilt);
    },
  });
}

/** Lets the bytes before the cut arrive: it fails only once they are handed on. */
function cutAfter(limit: number): Transform {
  let left = limit;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, left);
      left -= part.byteLength;
      if (part.byteLength > 0) this.push(part);
      if (left > 0) done();
      else
        setImmediate(() => {
          done(new Error('cut by a fault'));
        });
    },
  });
}
