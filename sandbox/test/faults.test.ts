import { request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import type { Fault } from '../index.ts';
import { writeJson } from '../store/files.ts';
import { registries } from '../topology.ts';
import { agentOf } from './support/agent.ts';
import { makeImage, piece } from './support/content.ts';
import { loopbackOf } from './support/loopback.ts';
import { registryLogin } from './support/tokens.ts';
import { startTestSandbox } from './support/sandbox.ts';
import { wire } from './support/wire.ts';

const blob = piece('application/octet-stream', Buffer.from('0123456789'));

test('status, as often as it says and after as many as it says', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { call } = loopbackOf(sandbox, 'nonsensitive');
  const headers = { 'retry-after': '1' };
  sandbox.faults.add({ path: '^/v2/$', skip: 1, count: 2, action: { kind: 'status', status: 429, headers } });
  const seen: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    const response = await call('/v2/');
    seen.push(response.status);
    if (response.status === 429) t.is(response.headers.get('retry-after'), '1');
  }
  t.deepEqual(seen, [200, 429, 429, 200]);
});

test('a fault hits only the method, path, host and vantage that it names, and can be taken away', async (t) => {
  const sandbox = await startTestSandbox(t);
  const both = [loopbackOf(sandbox, 'nonsensitive'), loopbackOf(sandbox, 'sensitive')] as const;
  const statuses = () => Promise.all(both.map(async ({ call }) => (await call('/v2/')).status));
  const action = { kind: 'status', status: 503 } as const;
  const remove = sandbox.faults.add({ host: '^contososec', action });
  t.deepEqual(await statuses(), [200, 503]);
  remove();
  sandbox.faults.add({ vantage: 'inside', action });
  sandbox.faults.add({ method: 'PUT', action });
  t.deepEqual(await statuses(), [200, 200]);
  sandbox.faults.add({ vantage: 'loopback', action });
  t.deepEqual(await statuses(), [503, 503]);
  sandbox.faults.clear();
  t.deepEqual(await statuses(), [200, 200]);
});

test('faults.json is read again when it changes', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { call } = loopbackOf(sandbox, 'nonsensitive');
  const file = join(sandbox.description.directory, 'faults.json');
  const once: Fault[] = [{ count: 1, action: { kind: 'status', status: 503 } }];
  for (const faults of [once, [...once, ...once]]) {
    writeJson(file, faults);
    t.is((await call('/v2/')).status, 503);
  }
  t.is((await call('/v2/')).status, 503);
  t.is((await call('/v2/')).status, 200);
});

test('content is cut, spoilt or mislabelled', async (t) => {
  const sandbox = await startTestSandbox(t);
  const registry = loopbackOf(sandbox, 'nonsensitive');
  await registry.pushBlob('team/a', blob);
  const url = `http://${sandbox.description.registries.nonsensitive.loopback}/v2/team/a/blobs/${blob.digest}`;
  sandbox.faults.add({ path: '/blobs/', count: 1, action: { kind: 'truncate', after: 4 } });
  await t.throwsAsync(wire(url), { code: 'ECONNRESET' });
  sandbox.faults.add({ path: '/blobs/', count: 1, action: { kind: 'corrupt' } });
  const spoilt = await wire(url);
  t.is(spoilt.bytes.byteLength, 10);
  t.notDeepEqual(spoilt.bytes, blob.bytes);
  sandbox.faults.add({ path: '/blobs/', count: 1, action: { kind: 'wrong-digest' } });
  t.not((await wire(url)).headers['docker-content-digest'], blob.digest);
  t.deepEqual((await wire(url)).bytes, blob.bytes);
});

test('a reset cuts the connection; a delay only holds it', async (t) => {
  const sandbox = await startTestSandbox(t);
  const url = `http://${sandbox.description.registries.nonsensitive.loopback}/v2/`;
  sandbox.faults.add({ count: 1, action: { kind: 'reset' } });
  await t.throwsAsync(wire(url), { code: 'ECONNRESET' });
  sandbox.faults.add({ count: 1, action: { kind: 'delay', milliseconds: 50 } });
  const begun = performance.now();
  t.is((await wire(url)).status, 200);
  t.true(performance.now() - begun >= 45);
});

test('an expired token is refused in the way of the service', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { host } = registries.nonsensitive;
  await loopbackOf(sandbox, 'nonsensitive').push('team/a', makeImage(), 'v1');
  const agent = agentOf(t, sandbox, 'outside');
  const headers = await registryLogin(sandbox, agent, host, 'outside-promoter', 'repository:team/a:pull');
  sandbox.faults.add({ host, count: 1, action: { kind: 'expired-token' } });
  const get = () => wire(`https://${host}/v2/team/a/manifests/v1`, { agent, headers });
  const refused = await get();
  t.is(refused.status, 401);
  t.regex(
    String(refused.headers['www-authenticate']),
    /scope="repository:team\/a:pull",error="invalid_token"/,
  );
  t.is((await get()).status, 200);
});

test('threat 40: an upload that breaks off keeps what came', async (t) => {
  const sandbox = await startTestSandbox(t);
  const { call } = loopbackOf(sandbox, 'nonsensitive');
  const begun = await call('/v2/team/a/blobs/uploads/', { method: 'POST' });
  const base = `http://${sandbox.description.registries.nonsensitive.loopback}`;
  const address = `${base}${begun.headers.get('location') ?? ''}`;
  const outgoing = request(address, { method: 'PATCH', headers: { 'content-length': '10' } });
  // Being cut off is an error as well: that is what happens here.
  outgoing.on('error', () => undefined);
  const closed = new Promise((resolve) => outgoing.on('close', resolve));
  outgoing.write('0123');
  const status = () => call(new URL(address).pathname + new URL(address).search);
  while ((await status()).headers.get('range') !== '0-3');
  outgoing.destroy();
  await closed;
  const done = await fetch(`${address}&digest=${blob.digest}`, { method: 'PUT', body: '456789' });
  t.is(done.status, 201);
});
