import type http from 'node:http';
import test from 'ava';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { blobOf, registryAt, startWire } from './wire.ts';

const content = encodeManifest({
  mediaType: mediaTypes.ociManifest,
  config: { ...blobOf('{}'), mediaType: mediaTypes.ociConfig },
  layers: [],
});
const { digest } = content.descriptor;

const serve = (
  response: http.ServerResponse,
  headers: Readonly<Record<string, string | undefined>> = {},
  bytes: Uint8Array = content.bytes,
): void => {
  const all: Readonly<Record<string, string | undefined>> = {
    'content-type': mediaTypes.ociManifest,
    'content-length': String(bytes.byteLength),
    'docker-content-digest': digest,
    ...headers,
  };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) response.setHeader(name, value);
  response.end(bytes);
};

test('HEAD tells everything; where it does not, GET does', async (t) => {
  const wire = await startWire(t, (_request, response) => serve(response));
  t.deepEqual(await registryAt(wire).repository('a').resolve('v1'), content.descriptor);
  t.deepEqual(wire.log, ['HEAD /v2/a/manifests/v1']);
  const terse = await startWire(t, (_request, response) =>
    serve(response, { 'docker-content-digest': undefined }),
  );
  t.deepEqual(await registryAt(terse).repository('a').resolve('v1'), content.descriptor);
  t.deepEqual(terse.log, ['HEAD /v2/a/manifests/v1', 'GET /v2/a/manifests/v1']);
});

const lies = test.macro(
  async (t, handler: (response: http.ServerResponse) => void, code: ErrorCode, tries: number) => {
    const wire = await startWire(t, (_request, response) => handler(response));
    const error = await t.throwsAsync(registryAt(wire).repository('a').manifest(digest), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, code, error.message);
    t.is(wire.log.length, tries);
  },
);

const other = Buffer.from(JSON.stringify({ schemaVersion: 2 }));

test(
  'threat 2: another manifest for a pinned digest',
  lies,
  (r) => serve(r, {}, other),
  'INTEGRITY_MISMATCH',
  2,
);
test(
  'threat 2: and its header admits it',
  lies,
  (r) => serve(r, { 'docker-content-digest': sha256(other) }, other),
  'INTEGRITY_MISMATCH',
  2,
);
test(
  'threat 2: no header',
  lies,
  (r) => serve(r, { 'docker-content-digest': undefined }, other),
  'INTEGRITY_MISMATCH',
  2,
);
test(
  'threat 18: a manifest of 5 MiB',
  lies,
  (r) => serve(r, {}, Buffer.alloc(5 * 1024 * 1024)),
  'CONTENT_INVALID',
  1,
);
test(
  'threat 18: an endless manifest',
  lies,
  (response) => {
    response.writeHead(200, { 'content-type': mediaTypes.ociManifest });
    const more = (): void => {
      for (let room = true; room && !response.destroyed;) room = response.write(Buffer.alloc(64 * 1024));
      response.once('drain', more);
    };
    more();
  },
  'CONTENT_INVALID',
  1,
);
test('a manifest without a type', lies, (r) => serve(r, { 'content-type': undefined }), 'CONTENT_INVALID', 1);

test('threat 2: a tag whose digest header does not fit the bytes', async (t) => {
  const wire = await startWire(t, (_request, response) => serve(response, {}, other));
  await t.throwsAsync(registryAt(wire).repository('a').manifest('v1'), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
});

test('threat 2: HEAD of a digest that names another one', async (t) => {
  const wire = await startWire(t, (_request, response) =>
    serve(response, { 'docker-content-digest': sha256('x') }),
  );
  await t.throwsAsync(registryAt(wire).repository('a').resolve(digest), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
});

for (const malformed of ['sha512:00', 'sha256:XYZ', 'SHA256:' + 'a'.repeat(64), `md5:${'a'.repeat(32)}`]) {
  test(`threat 3: digest header ${malformed.slice(0, 12)}`, async (t) => {
    const wire = await startWire(t, (_request, response) =>
      serve(response, { 'docker-content-digest': malformed }),
    );
    await t.throwsAsync(registryAt(wire).repository('a').resolve('v1'), {
      instanceOf: AmlpromoteError,
      code: 'CONTENT_INVALID',
    });
  });
}

test('threat 18: HEAD announces a giant', async (t) => {
  const wire = await startWire(
    t,
    (_request, response) =>
      void response
        .writeHead(200, {
          'content-type': mediaTypes.ociManifest,
          'content-length': '99999999999',
          'docker-content-digest': digest,
        })
        .end(),
  );
  await t.throwsAsync(registryAt(wire).repository('a').resolve('v1'), {
    instanceOf: AmlpromoteError,
    code: 'CONTENT_INVALID',
  });
});

test('a reference that is neither tag nor digest never reaches the wire', async (t) => {
  const wire = await startWire(t, (_request, response) => serve(response));
  for (const reference of ['../../x', 'a/b', 'sha256:00', '']) {
    await t.throwsAsync(registryAt(wire).repository('a').manifest(reference), {
      instanceOf: AmlpromoteError,
      code: 'USAGE',
    });
  }
  t.throws(() => registryAt(wire).repository('../x'), { instanceOf: AmlpromoteError, code: 'USAGE' });
  t.deepEqual(wire.log, []);
});

test('PUT: another digest in the answer is a mismatch; 409 on a tag is a conflict', async (t) => {
  const liar = await startWire(t, (request, response) => {
    request.resume();
    response.writeHead(201, { 'docker-content-digest': sha256('x') }).end();
  });
  await t.throwsAsync(registryAt(liar).repository('a').pushManifest(content, 'v1'), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
  const locked = await startWire(t, (request, response) => {
    request.resume();
    response.writeHead(409).end();
  });
  await t.throwsAsync(registryAt(locked).repository('a').pushManifest(content, 'v1'), {
    instanceOf: AmlpromoteError,
    code: 'TAG_CONFLICT',
  });
  const wrong = { ...content, bytes: other };
  await t.throwsAsync(registryAt(liar).repository('a').pushManifest(wrong), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
});
