import { buffer } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { readBlob, verifiedStream } from '../../../src/oci/verified.ts';
import { blobOf, fastClock, ociError, registryAt, startWire } from './wire.ts';

const bytes = randomBytes(3 * 1024 * 1024);
const blob = blobOf(bytes);

/** Serves ranges, and breaks off after `most` bytes of each answer. */
function serveRange(request: http.IncomingMessage, response: http.ServerResponse, most = Infinity): void {
  const [, from = '0', to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from);
  const rest = bytes.subarray(start, to === undefined ? undefined : Number(to) + 1);
  response.writeHead(to === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': String(rest.byteLength),
    ...(to !== undefined
      ? {
          'content-range': `bytes ${String(start)}-${String(bytes.byteLength - 1)}/${String(bytes.byteLength)}`,
        }
      : {}),
  });
  if (rest.byteLength <= most) response.end(rest);
  else response.write(rest.subarray(0, most), () => request.socket.destroy());
}

test('a blob comes through', async (t) => {
  const wire = await startWire(t, (request, response) => serveRange(request, response));
  t.true((await buffer(await registryAt(wire).repository('a').blob(blob))).equals(bytes));
});

test('threat 41: a reset in the middle is resumed by range, as often as there is progress', async (t) => {
  const wire = await startWire(t, (request, response) => serveRange(request, response, 1_000_000));
  const got = await buffer(await registryAt(wire).repository('a').blob(blob));
  t.true(got.equals(bytes));
  t.true(wire.log.length >= 4);
});

const readAhead = { partBytes: 256 * 1024, parts: 3, slow: Infinity, busy: 2 };

test('a slow link: the rest of a large blob comes in parts over several connections', async (t) => {
  const wire = await startWire(t, (request, response) => serveRange(request, response));
  const registry = registryAt(wire, { limits: { readAhead } });
  const got = await buffer(await registry.repository('a').blob(blob));
  t.true(got.equals(bytes));
  t.true(wire.log.length > 5);
});

test('threat 41: parts that break off go on as well; a consumer that leaves ends them all', async (t) => {
  const wire = await startWire(t, (request, response) =>
    serveRange(request, response, request.headers.range === undefined ? Infinity : 100_000),
  );
  const registry = registryAt(wire, { limits: { readAhead } });
  t.true((await buffer(await registry.repository('a').blob(blob))).equals(bytes));
  const left = await registry.repository('a').blob(blob);
  for await (const chunk of left) {
    t.truthy(chunk);
    break;
  }
  t.true(left.destroyed);
});

test('a server that does not offer ranges is not asked for them', async (t) => {
  const wire = await startWire(t, (_request, response) => void response.end(bytes));
  const got = await buffer(await registryAt(wire, { limits: { readAhead } }).repository('a').blob(blob));
  t.true(got.equals(bytes));
  t.is(wire.log.length, 1);
});

test('threat 41: no progress ends as UNREACHABLE', async (t) => {
  const clock = fastClock();
  const wire = await startWire(t, (request, response) => serveRange(request, response, 0));
  const error = await t.throwsAsync(async () =>
    buffer(await registryAt(wire, { clock }).repository('a').blob(blob)),
  );
  t.true(error instanceof AmlpromoteError && error.code === 'UNREACHABLE');
  t.is(clock.pauses.length, 4);
});

test('threat 41: a server without ranges cannot be resumed, and nothing is invented', async (t) => {
  const wire = await startWire(t, (request, response) => {
    delete request.headers.range;
    serveRange(request, response, 1_000_000);
  });
  const error = await t.throwsAsync(async () => buffer(await registryAt(wire).repository('a').blob(blob)));
  t.true(error instanceof AmlpromoteError);
});

test('threat 41: slow-loris in the middle of a blob', async (t) => {
  const wire = await startWire(t, (_request, response) => {
    response.writeHead(200, { 'content-length': String(bytes.byteLength) });
    const timer = setInterval(() => response.write('x'), 10);
    response.once('close', () => clearInterval(timer));
  });
  const registry = registryAt(wire, { limits: { idle: 60, attempts: 1 } });
  const error = await t.throwsAsync(async () => buffer(await registry.repository('a').blob(blob)));
  t.true(error instanceof AmlpromoteError && error.code === 'TIMEOUT', String(error));
});

test('a consumer that takes its time is not mistaken for a dead server', async (t) => {
  const wire = await startWire(t, (request, response) => serveRange(request, response));
  const stream = await registryAt(wire, { limits: { idle: 20 } })
    .repository('a')
    .blob(blob);
  stream.once('readable', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.true((await buffer(stream)).equals(bytes));
});

test('threat 18: a length that cannot be right is refused before a byte is read', async (t) => {
  for (const length of [bytes.byteLength - 1, bytes.byteLength + 1]) {
    const wire = await startWire(t, (_request, response) => {
      response.writeHead(200, { 'content-length': String(length) });
      response.flushHeaders();
    });
    const repository = registryAt(wire).repository('a');
    await t.throwsAsync(repository.blob(blob), { instanceOf: AmlpromoteError, code: 'INTEGRITY_MISMATCH' });
    await t.throwsAsync(repository.hasBlob(blob), {
      instanceOf: AmlpromoteError,
      code: 'INTEGRITY_MISMATCH',
    });
  }
});

for (const [title, served] of [
  ['truncated', bytes.subarray(0, -1)],
  ['too long', Buffer.concat([bytes, Buffer.from('x')])],
  ['other bytes', randomBytes(bytes.byteLength)],
] as const) {
  test(`a blob without a length, ${title}: INTEGRITY_MISMATCH`, async (t) => {
    const wire = await startWire(t, (_request, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.end(served);
    });
    const repository = registryAt(wire).repository('a');
    await t.throwsAsync(readBlob(repository, blob, 10_000_000), {
      instanceOf: AmlpromoteError,
      code: 'INTEGRITY_MISMATCH',
    });
    await t.throwsAsync(async () => buffer(verifiedStream(await repository.blob(blob), blob)));
  });
}

test('a missing blob: LISTED_CONTENT_MISSING; hasBlob says no', async (t) => {
  const wire = await startWire(t, (_request, response) => ociError(response, 404, 'BLOB_UNKNOWN', ''));
  const repository = registryAt(wire).repository('a');
  await t.throwsAsync(repository.blob(blob), { instanceOf: AmlpromoteError, code: 'LISTED_CONTENT_MISSING' });
  t.false(await repository.hasBlob(blob));
});

test('threat 26: a redirect to another host or port is followed without Authorization', async (t) => {
  const data = await startWire(t, (request, response) => serveRange(request, response));
  const wire = await startWire(t, (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    } else if (request.url?.endsWith('/again')) {
      response.writeHead(307, { location: `http://${data.host}/blob?sig=secret` }).end();
    } else response.writeHead(307, { location: `${request.url ?? ''}/again` }).end();
  });
  const registry = registryAt(wire, { credentials: { username: 'u', password: 'p' } });
  t.true((await buffer(await registry.repository('a').blob(blob))).equals(bytes));
  t.deepEqual(data.authorizations, [undefined]);
  t.is(wire.authorizations.filter(Boolean).length, 2, 'on the registry itself it stays');
});

test('threat 26: a 401 of the data host does not make us send credentials', async (t) => {
  const data = await startWire(t, (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  const wire = await startWire(
    t,
    (_request, response) => void response.writeHead(307, { location: `http://${data.host}/x` }).end(),
  );
  const registry = registryAt(wire, { credentials: { username: 'u', password: 'p' } });
  await t.throwsAsync(registry.repository('a').blob(blob), {
    instanceOf: AmlpromoteError,
    code: 'UNAUTHENTICATED',
  });
  t.deepEqual(data.authorizations, [undefined]);
});

for (const location of [
  'http://registry.test/x',
  'ftp://127.0.0.1/x',
  'https://user:pw@registry.test/x',
  'http://169.254.169.254/x',
  'gopher:',
  '//',
]) {
  test(`threat 26: a redirect to ${location} is refused`, async (t) => {
    const wire = await startWire(t, (_request, response) => void response.writeHead(307, { location }).end());
    const error = await t.throwsAsync(registryAt(wire).repository('a').blob(blob), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'CONTENT_INVALID');
  });
}

test('threat 17: redirects without end', async (t) => {
  const wire = await startWire(
    t,
    (request, response) => void response.writeHead(307, { location: request.url }).end(),
  );
  await t.throwsAsync(registryAt(wire).repository('a').blob(blob), {
    instanceOf: AmlpromoteError,
    code: 'CONTENT_INVALID',
  });
  t.is(wire.log.length, 6);
});
