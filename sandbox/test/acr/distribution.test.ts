import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { RunningSandbox } from '../../index.ts';
import {
  descriptor,
  indexType,
  makeImage,
  makeIndex,
  makeReferrer,
  manifestType,
  piece,
} from '../support/content.ts';
import { loopbackOf } from '../support/loopback.ts';
import { startTestSandbox } from '../support/sandbox.ts';
import type { WireOptions, WireResponse } from '../support/wire.ts';
import { wire } from '../support/wire.ts';

interface Fixture {
  readonly sandbox: RunningSandbox;
  readonly registry: ReturnType<typeof loopbackOf>;
  readonly call: (path: string, options?: WireOptions) => Promise<WireResponse>;
}

async function start(t: ExecutionContext): Promise<Fixture> {
  const sandbox = await startTestSandbox(t);
  const base = `http://${sandbox.description.registries.nonsensitive.loopback}`;
  return {
    sandbox,
    registry: loopbackOf(sandbox, 'nonsensitive'),
    call: (path, options) => wire(`${base}${path}`, options),
  };
}

const errorCode = (response: WireResponse): string | undefined =>
  response.json<{ errors: { code: string }[] }>().errors[0]?.code;

test('a blob is read whole and in ranges', async (t) => {
  const { registry, call } = await start(t);
  const blob = piece('application/octet-stream', Buffer.from('0123456789'));
  await registry.pushBlob('team/a', blob);
  const path = `/v2/team/a/blobs/${blob.digest}`;
  const whole = await call(path);
  t.is(whole.text, '0123456789');
  t.is(whole.headers['docker-content-digest'], blob.digest);
  t.is((await call(path, { method: 'HEAD' })).headers['content-length'], '10');
  const ranges = { 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-2': '89', 'bytes=5-99': '56789' };
  for (const [range, text] of Object.entries(ranges)) {
    const part = await call(path, { headers: { range } });
    t.is(part.status, 206);
    t.is(part.text, text);
  }
  const outside = await call(path, { headers: { range: 'bytes=10-' } });
  t.is(outside.status, 416);
  t.is(outside.headers['content-range'], 'bytes */10');
  t.is((await call(path.replace('team/a', 'team%2Fa'))).text, '0123456789');
});

test('a blob that another repository has is unknown here until it is mounted', async (t) => {
  const { registry, call } = await start(t);
  const blob = piece('application/octet-stream', Buffer.from('shared'));
  await registry.pushBlob('team/a', blob);
  t.is(errorCode(await call(`/v2/team/b/blobs/${blob.digest}`)), 'NAME_UNKNOWN');
  const query = new URLSearchParams({ mount: blob.digest, from: 'team/a' });
  const mounted = await call(`/v2/team/b/blobs/uploads/?${query.toString()}`, { method: 'POST' });
  t.is(mounted.status, 201);
  t.is((await call(`/v2/team/b/blobs/${blob.digest}`)).text, 'shared');
  const wrong = new URLSearchParams({ mount: blob.digest, from: 'team/none' });
  t.is((await call(`/v2/team/c/blobs/uploads/?${wrong.toString()}`, { method: 'POST' })).status, 202);
});

test('an upload goes on after a break, in order only', async (t) => {
  const { call } = await start(t);
  const blob = piece('application/octet-stream', Buffer.from('abcdefghij'));
  const begun = await call('/v2/team/a/blobs/uploads/', { method: 'POST' });
  t.is(begun.status, 202);
  const first = await call(String(begun.headers.location), {
    method: 'PATCH',
    headers: { 'content-range': '0-3' },
    body: 'abcd',
  });
  t.is(first.headers.range, '0-3');
  const gap = await call(String(first.headers.location), {
    method: 'PATCH',
    headers: { 'content-range': '6-9' },
    body: 'ghij',
  });
  t.is(gap.status, 416);
  t.is(gap.headers.range, '0-3');
  const status = await call(String(first.headers.location));
  t.is(status.status, 204);
  t.is(status.headers.range, '0-3');
  const done = await call(`${String(status.headers.location)}&digest=${blob.digest}`, {
    method: 'PUT',
    body: 'efghij',
  });
  t.is(done.status, 201);
  t.is((await call(String(done.headers.location))).text, 'abcdefghij');
});

test('an upload whose digest is another is refused and forgotten', async (t) => {
  const { call } = await start(t);
  const begun = await call('/v2/team/a/blobs/uploads/', { method: 'POST' });
  const address = `${String(begun.headers.location)}&digest=sha256:${'0'.repeat(64)}`;
  const done = await call(address, { method: 'PUT', body: 'x' });
  t.is(done.status, 400);
  t.is(errorCode(done), 'DIGEST_INVALID');
  t.is(errorCode(await call(address, { method: 'PUT', body: 'x' })), 'BLOB_UPLOAD_UNKNOWN');
});

test('a manifest is stored as it came, by tag and by digest', async (t) => {
  const { registry, call } = await start(t);
  const image = makeImage();
  await registry.push('team/a', image, 'v1');
  for (const reference of ['v1', image.digest]) {
    const response = await call(`/v2/team/a/manifests/${reference}`, { headers: { accept: manifestType } });
    t.deepEqual(response.bytes, image.bytes);
    t.is(response.headers['content-type'], manifestType);
    t.is(response.headers['docker-content-digest'], image.digest);
  }
  const head = await call('/v2/team/a/manifests/v1', { method: 'HEAD', headers: { accept: '*/*' } });
  t.is(head.headers['content-length'], String(image.size));
  t.is(errorCode(await call('/v2/team/a/manifests/none')), 'MANIFEST_UNKNOWN');
  const other = await call('/v2/team/a/manifests/v1', { headers: { accept: indexType } });
  t.is(other.status, 404);
});

test('manifests that are wrong are refused: digest, media type, missing parts, two shapes at once', async (t) => {
  const { registry } = await start(t);
  const image = makeImage();
  for (const blob of image.blobs) await registry.pushBlob('team/a', blob);
  const put = async (reference: string, mediaType: string, content: object | Buffer) => {
    const response = await registry.putManifest('team/a', reference, piece(mediaType, content));
    const body = (await response.json()) as { errors: { code: string }[] };
    return [response.status, body.errors[0]?.code];
  };
  const json = JSON.parse(image.bytes.toString('utf8')) as Record<string, unknown>;
  t.deepEqual(await put(`sha256:${'1'.repeat(64)}`, manifestType, image.bytes), [400, 'DIGEST_INVALID']);
  t.deepEqual(await put('v1', indexType, image.bytes), [400, 'MANIFEST_INVALID']);
  t.deepEqual(await put('v1', 'application/json', image.bytes), [400, 'MANIFEST_INVALID']);
  t.deepEqual(await put('v1', manifestType, { ...json, manifests: [] }), [400, 'MANIFEST_INVALID']);
  t.deepEqual(await put('v1', manifestType, { ...json, config: descriptor(makeImage()) }), [
    400,
    'MANIFEST_BLOB_UNKNOWN',
  ]);
  t.deepEqual(await put('-', manifestType, image.bytes), [400, 'TAG_INVALID']);
  const index = makeIndex([makeImage()]);
  t.deepEqual(await put('v1', indexType, index.bytes), [404, 'MANIFEST_UNKNOWN']);
});

test('referrers are listed in pages and filtered; PUT names the subject', async (t) => {
  const { sandbox, registry, call } = await start(t);
  sandbox.configure('nonsensitive', { pageSize: 2 });
  const image = makeImage();
  await registry.push('team/a', image);
  const referrers = [1, 2, 3].map((n) => makeReferrer(image, `application/vnd.test.${n % 2}`, { n }));
  for (const made of referrers) {
    for (const blob of made.blobs) await registry.pushBlob('team/a', blob);
    const response = await registry.putManifest('team/a', made.digest, made);
    t.is(response.headers.get('oci-subject'), image.digest);
  }
  interface List {
    manifests: { digest: string; artifactType: string; size: number; annotations: object }[];
  }
  const first = await call(`/v2/team/a/referrers/${image.digest}`);
  t.is(first.headers['content-type'], indexType);
  const next = /^<(\S+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? '';
  const second = await call(next);
  t.is(second.headers.link, undefined);
  const all = [...first.json<List>().manifests, ...second.json<List>().manifests];
  t.deepEqual(all.map(({ digest }) => digest).sort(), referrers.map(({ digest }) => digest).sort());
  const filtered = await call(`/v2/team/a/referrers/${image.digest}?artifactType=application/vnd.test.0`);
  t.is(filtered.headers['oci-filters-applied'], 'artifactType');
  t.deepEqual(
    filtered.json<List>().manifests.map(({ digest }) => digest),
    [referrers[1]?.digest],
  );
  const none = await call(`/v2/team/a/referrers/sha256:${'2'.repeat(64)}`);
  t.deepEqual(none.json<List>().manifests, []);
});

test('a registry without the referrers API answers 404 and names no subject', async (t) => {
  const { sandbox, registry, call } = await start(t);
  sandbox.configure('nonsensitive', { referrersApi: false });
  const image = makeImage();
  await registry.push('team/a', image);
  const made = makeReferrer(image, 'application/vnd.test', {});
  for (const blob of made.blobs) await registry.pushBlob('team/a', blob);
  t.is((await registry.putManifest('team/a', made.digest, made)).headers.get('oci-subject'), null);
  t.is((await call(`/v2/team/a/referrers/${image.digest}`)).status, 404);
});

test('tags and the catalog are listed in pages', async (t) => {
  const { sandbox, registry, call } = await start(t);
  sandbox.configure('nonsensitive', { pageSize: 2 });
  const image = makeImage();
  for (const tag of ['c', 'a', 'b']) await registry.push('team/a', image, tag);
  await registry.push('team/b', image);
  const first = await call('/v2/team/a/tags/list');
  t.deepEqual(first.json().tags, ['a', 'b']);
  const next = /^<(\S+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? '';
  t.deepEqual((await call(next)).json().tags, ['c']);
  t.deepEqual((await call('/v2/team/a/tags/list?last=b')).json().tags, ['c']);
  t.deepEqual((await call('/v2/_catalog?n=1')).json().repositories, ['team/a']);
  t.is(errorCode(await call('/v2/team/none/tags/list')), 'NAME_UNKNOWN');
});

test('with a deleted subject go its referrers and tags', async (t) => {
  const { registry, call } = await start(t);
  const image = makeImage();
  const made = makeReferrer(image, 'application/vnd.test', {});
  await registry.push('team/a', image, 'v1');
  await registry.push('team/a', made);
  t.is((await call(`/v2/team/a/manifests/${image.digest}`, { method: 'DELETE' })).status, 202);
  for (const reference of ['v1', image.digest, made.digest])
    t.is((await call(`/v2/team/a/manifests/${reference}`)).status, 404);
});
