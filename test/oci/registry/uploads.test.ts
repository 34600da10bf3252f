import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { startDockerRegistry } from '../../support/docker-registry.ts';
import { needing } from '../../support/tools.ts';
import type { Handler } from './wire.ts';
import { blobOf, json, ociError, registryAt, startWire } from './wire.ts';

const bytes = randomBytes(3_000_000);
const blob = blobOf(bytes);
const open = async (): Promise<Readable> => Readable.from(pieces(bytes));

function* pieces(all: Uint8Array, size = 50_000): Generator<Uint8Array> {
  for (let at = 0; at < all.byteLength; at += size) yield all.subarray(at, at + size);
}

interface Target {
  received: Buffer;
  committed: boolean;
  sessions: number;
}

/** An upload endpoint that keeps what it gets, and lets `trouble` go first with each body. True means: dealt with. */
function uploads(
  target: Target,
  trouble: (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    target: Target,
  ) => boolean | Promise<boolean>,
): Handler {
  return async (request, response) => {
    const { method = '', url = '' } = request;
    const location = `/v2/a/blobs/uploads/${String(target.sessions)}?_state=${String(target.received.byteLength)}`;
    const range = `0-${String(Math.max(0, target.received.byteLength - 1))}`;
    if (method === 'PATCH' || method === 'PUT') {
      if (await trouble(request, response, target)) return;
      target.received = Buffer.concat([target.received, await buffer(request)]);
      if (method === 'PATCH') {
        const got = `0-${String(target.received.byteLength - 1)}`;
        response.writeHead(202, { location, range: got }).end();
      } else if (sha256(target.received) === new URL(url, 'http://x').searchParams.get('digest')) {
        target.committed = true;
        response.writeHead(201).end();
      } else ociError(response, 400, 'DIGEST_INVALID', 'x');
    } else if (method === 'POST') {
      target.sessions += 1;
      target.received = Buffer.alloc(0);
      response.writeHead(202, { location: `/v2/a/blobs/uploads/${String(target.sessions)}?_state=0` }).end();
    } else if (method === 'GET') response.writeHead(204, { location, range }).end();
    else if (method === 'HEAD')
      response
        .writeHead(target.committed ? 200 : 404, target.committed ? { 'content-length': blob.size } : {})
        .end();
    else response.writeHead(202).end();
  };
}

const fresh = (): Target => ({ received: Buffer.alloc(0), committed: false, sessions: 0 });

/** Takes `size` bytes of the body, then lets `then` happen. */
async function takeSome(
  request: http.IncomingMessage,
  target: Target,
  size: number,
  then: () => void,
): Promise<true> {
  let got = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    target.received = Buffer.concat([target.received, chunk]);
    got += chunk.byteLength;
    if (got >= size) break;
  }
  then();
  return true;
}

const onceOnly = <T extends unknown[]>(run: (...args: T) => boolean | Promise<boolean>) => {
  let left = 1;
  return (...args: T): boolean | Promise<boolean> => (left-- > 0 ? run(...args) : false);
};

const methods = (log: readonly string[]): string => log.map((line) => line.split(' ')[0]).join(' ');

test('one POST, one PUT with the whole body', async (t) => {
  const target = fresh();
  const wire = await startWire(
    t,
    uploads(target, () => false),
  );
  const sent: number[] = [];
  const how = await registryAt(wire)
    .repository('a')
    .pushBlob(blob, open, { onBytes: (count) => sent.push(count) });
  t.is(how, 'uploaded');
  t.is(methods(wire.log), 'POST PUT');
  t.true(target.committed && target.received.equals(bytes));
  t.is(sent.at(-1), bytes.byteLength);
});

test('threat 41: a reset in the middle of an upload: the rest goes in chunks from where the registry stands', async (t) => {
  const target = fresh();
  const wire = await startWire(
    t,
    uploads(
      target,
      onceOnly((request) => takeSome(request, target, 1_000_000, () => request.socket.destroy())),
    ),
  );
  const registry = registryAt(wire, { limits: { chunk: 700_000 } });
  await registry.repository('a').pushBlob(blob, open);
  t.true(target.committed && target.received.equals(bytes));
  t.regex(methods(wire.log), /^POST PUT GET PATCH PATCH( PATCH)? PUT$/);
});

test('threat 41: a chunk that breaks is asked about and continued as well', async (t) => {
  const target = fresh();
  let breaks = 2;
  const wire = await startWire(
    t,
    uploads(target, (request) =>
      breaks-- > 0 ? takeSome(request, target, 500_000, () => request.socket.destroy()) : false,
    ),
  );
  await registryAt(wire, { limits: { chunk: 700_000 } })
    .repository('a')
    .pushBlob(blob, open);
  t.true(target.committed && target.received.equals(bytes));
});

test('threat 43: 401 in the middle of an upload: a new token, and on from where it was', async (t) => {
  const target = fresh();
  let token = 0;
  const inner = uploads(
    target,
    onceOnly((request, response) =>
      takeSome(request, target, 1_000_000, () =>
        json(response, 401, {}, { 'www-authenticate': 'Bearer realm="http://HOST/token",service="x"' }),
      ),
    ),
  );
  const wire = await startWire(t, async (request, response, self) => {
    if (request.url?.startsWith('/token')) {
      token += 1;
      json(response, 200, { token: `token-${String(token)}`, expires_in: 3600 });
    } else if (request.headers.authorization === undefined) {
      json(response, 401, {}, { 'www-authenticate': `Bearer realm="http://${self.host}/token",service="x"` });
    } else {
      const write = response.writeHead.bind(response);
      response.writeHead = ((status: number, headers: Record<string, string> = {}) =>
        write(
          status,
          JSON.parse(JSON.stringify(headers).replace('HOST', self.host)) as Record<string, string>,
        )) as never;
      await inner(request, response, self);
    }
  });
  await registryAt(wire).repository('a').pushBlob(blob, open);
  t.true(target.committed && target.received.equals(bytes));
  t.is(token, 2);
  t.is(wire.authorizations.at(-1), 'Bearer token-2');
});

test('the answer to the commit is lost: the blob is found, not sent again', async (t) => {
  const target = fresh();
  const wire = await startWire(t, async (request, response, self) => {
    if (request.method === 'GET') {
      response.writeHead(404).end();
      return;
    }
    const lose = onceOnly(async () => {
      await buffer(request);
      target.committed = true;
      request.socket.destroy();
      return true;
    });
    await uploads(target, lose)(request, response, self);
  });
  t.is(await registryAt(wire).repository('a').pushBlob(blob, open), 'uploaded');
  t.is(methods(wire.log), 'POST PUT GET HEAD');
});

test('the session is gone after a break: a new one, from the start', async (t) => {
  const target = fresh();
  const inner = uploads(
    target,
    onceOnly((request) => takeSome(request, target, 1_000_000, () => request.socket.destroy())),
  );
  const wire = await startWire(t, async (request, response, self) => {
    if (request.method === 'GET') response.writeHead(404).end();
    else await inner(request, response, self);
  });
  await registryAt(wire).repository('a').pushBlob(blob, open);
  t.true(target.committed && target.received.equals(bytes));
  t.is(methods(wire.log), 'POST PUT GET HEAD POST PUT');
});

test('a registry that takes no whole blobs gets chunks', async (t) => {
  const target = fresh();
  const wire = await startWire(
    t,
    uploads(
      target,
      onceOnly((request, response) => {
        request.resume();
        ociError(response, 413, 'SIZE_INVALID', 'too large');
        return true;
      }),
    ),
  );
  await registryAt(wire, { limits: { chunk: 1_000_000 } })
    .repository('a')
    .pushBlob(blob, open);
  t.true(target.committed && target.received.equals(bytes));
  t.is(methods(wire.log).replace(/^POST PUT .*?POST/, ''), ' PATCH PATCH PATCH PUT');
});

test('threat 41: 503 for ever, and a target that takes nothing', async (t) => {
  const busy = await startWire(
    t,
    uploads(fresh(), (request, response) => {
      request.resume();
      response.writeHead(503).end();
      return true;
    }),
  );
  await t.throwsAsync(registryAt(busy).repository('a').pushBlob(blob, open), {
    instanceOf: AmlpromoteError,
    code: 'SERVICE_FAILED',
  });
  const large = { ...blob, size: 64 * 1024 * 1024 };
  const endless = async (): Promise<Readable> => Readable.from(pieces(Buffer.alloc(large.size)));
  const stuck = await startWire(
    t,
    uploads(fresh(), () => true),
  );
  const registry = registryAt(stuck, { limits: { idle: 60, attempts: 1 } });
  await t.throwsAsync(registry.repository('a').pushBlob(large, endless), {
    instanceOf: AmlpromoteError,
    code: 'TIMEOUT',
  });
});

test('a registry that never answers a finished upload: TIMEOUT after the commit limit', async (t) => {
  const wire = await startWire(
    t,
    uploads(fresh(), (request) => {
      request.resume();
      return true;
    }),
  );
  const registry = registryAt(wire, { limits: { idle: 30, commit: 60, attempts: 1 } });
  await t.throwsAsync(registry.repository('a').pushBlob(blob, open), {
    instanceOf: AmlpromoteError,
    code: 'TIMEOUT',
  });
});

test('a source that breaks off is opened again; one that lies is a mismatch, and the session is cancelled', async (t) => {
  const target = fresh();
  const wire = await startWire(
    t,
    uploads(target, () => false),
  );
  let opened = 0;
  const shaky = async (): Promise<Readable> => {
    opened += 1;
    if (opened > 1) return open();
    return Readable.from(
      (function* () {
        yield bytes.subarray(0, 100_000);
        throw new AmlpromoteError('UNREACHABLE', 'reset');
      })(),
    );
  };
  await registryAt(wire).repository('a').pushBlob(blob, shaky);
  t.is(opened, 2);
  t.true(target.committed);
  const wrong = Buffer.from(bytes);
  wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1);
  const lying = fresh();
  const victim = await startWire(
    t,
    uploads(lying, () => false),
  );
  await t.throwsAsync(
    registryAt(victim)
      .repository('a')
      .pushBlob(blob, async () => Readable.from(pieces(wrong))),
    { instanceOf: AmlpromoteError, code: 'INTEGRITY_MISMATCH' },
  );
  t.false(lying.committed);
  t.true(lying.received.byteLength < bytes.byteLength, 'the registry never had a complete body');
  t.is(wire.log.length > 0 && victim.log.at(-1)?.split(' ')[0], 'DELETE');
});

for (const location of [
  'https://evil.test/upload',
  'http://127.0.0.1:1/upload',
  '//evil.test/upload',
  'http://u:p@HOST/x',
  '',
]) {
  test(`threat 27: upload Location ${JSON.stringify(location)}`, async (t) => {
    const wire = await startWire(t, (request, response, self) => {
      request.resume();
      response.writeHead(202, { location: location.replace('HOST', self.host) }).end();
    });
    const error = await t.throwsAsync(registryAt(wire).repository('a').pushBlob(blob, open), {
      instanceOf: AmlpromoteError,
    });
    const elsewhere = URL.parse(location, 'http://HOST/')?.host ?? 'HOST';
    if (elsewhere.toLowerCase() === 'host') t.is(error.code, 'CONTENT_INVALID');
    else {
      // The registry is not reached: that is no verdict about content.
      t.is(error.code, 'NETWORK_DENIED');
      t.true(error.message.includes(elsewhere) && error.message.includes(wire.host));
      t.true(error.nextSteps.join(' ').includes(`"${wire.host}: ADDRESS" in network.resolve`));
    }
    t.is(wire.log.length, 1);
  });
}

test('a mount that the registry denies becomes an upload', async (t) => {
  const target = fresh();
  const inner = uploads(target, () => false);
  const wire = await startWire(t, async (request, response, self) => {
    if (request.url?.includes('mount=')) ociError(response, 403, 'DENIED', 'not yours');
    else await inner(request, response, self);
  });
  t.is(await registryAt(wire).repository('a').pushBlob(blob, open, { mountFrom: 'b' }), 'uploaded');
  t.true(target.committed);
});

test('an interruption in the middle ends as INTERRUPTED', async (t) => {
  const interruption = new AbortController();
  const target = fresh();
  const wire = await startWire(
    t,
    uploads(target, (request) => takeSome(request, target, 100_000, () => interruption.abort())),
  );
  await t.throwsAsync(
    registryAt(wire).repository('a').pushBlob(blob, open, { signal: interruption.signal }),
    { instanceOf: AmlpromoteError, code: 'INTERRUPTED' },
  );
});

needing('docker-registry')('threat 40: kill -9 in the middle of an upload', async (t) => {
  const server = await startDockerRegistry();
  t.teardown(async () => server.stop());
  const child = fork(new URL('half-upload.ts', import.meta.url), [server.host, String(bytes.byteLength)], {
    stdio: 'inherit',
    execArgv: [],
  });
  const exit = once(child, 'exit');
  await once(child, 'message');
  child.kill('SIGKILL');
  await exit;
  const repository = registryAt({
    host: server.host,
    port: server.port,
    log: [],
    authorizations: [],
  }).repository('killed');
  const content = Buffer.alloc(bytes.byteLength, 'x');
  const descriptor = blobOf(content);
  t.false(await repository.hasBlob(descriptor), 'half a blob is no blob');
  t.is(await repository.pushBlob(descriptor, async () => Readable.from(pieces(content))), 'uploaded');
  t.true(await repository.hasBlob(descriptor));
});

for (const status of [301, 302, 307, 308]) {
  test(`threat 27: an upload that is redirected to another host (${String(status)}) goes nowhere, and is told so`, async (t) => {
    for (const step of ['POST', 'PUT']) {
      const wire = await startWire(t, (request, response, self) => {
        request.resume();
        if (request.method === step)
          response.writeHead(status, { location: `https://contoso.data.test/upload` }).end();
        else if (request.method === 'POST')
          response.writeHead(202, { location: `http://${self.host}/v2/a/blobs/uploads/1` }).end();
        else response.writeHead(202).end();
      });
      const error = await t.throwsAsync(registryAt(wire).repository('a').pushBlob(blob, open), {
        instanceOf: AmlpromoteError,
        code: 'NETWORK_DENIED',
      });
      t.is(error.exitCode, 20);
      t.true(error.message.includes('contoso.data.test') && error.message.includes(wire.host));
      t.regex(error.nextSteps[0] ?? '', /missing record.*network\.resolve/);
    }
  });
}

test('an upload is not taken for finished before it has begun', async (t) => {
  const wire = await startWire(t, (request, response) => {
    request.resume();
    response.writeHead(201).end();
  });
  await t.throwsAsync(registryAt(wire).repository('a').pushBlob(blob, open), {
    instanceOf: AmlpromoteError,
    code: 'CONTENT_INVALID',
  });
});
