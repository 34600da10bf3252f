import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { connectionFailure, createAgent } from '../../src/network/agent.ts';
import { networkError } from '../../src/network/errors.ts';
import type { AgentOptions, NetworkSettings } from '../../src/network/settings.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { createAuthority } from '../support/tls-authority.ts';

const authority = createAuthority();

async function caFile(t: ExecutionContext): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'amlpromote-agent-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'ca.pem');
  writeFileSync(file, (await authority).ca);
  return file;
}

async function tlsServer(t: ExecutionContext, names: readonly string[], notAfter?: Date) {
  const identity = await (await authority).issue(names, notAfter ? { notAfter } : {});
  return startScriptedServer(t, (request) => ({ body: { host: request.host } }), identity);
}

function agentFor(t: ExecutionContext, network: NetworkSettings, options?: AgentOptions): https.Agent {
  const agent = createAgent(network, options);
  t.teardown(() => agent.destroy());
  return agent;
}

/** What the server saw, or the error that the request ended with. */
const get = (url: string, agent: https.Agent): Promise<{ status: number; body: string; reused: boolean }> =>
  new Promise((resolve, reject) => {
    const request = https.get(url, { agent }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, reused: request.reusedSocket }),
      );
    });
    request.on('error', reject);
  });

async function failure(t: ExecutionContext, url: string, agent: https.Agent): Promise<AmlpromoteError> {
  const error: unknown = await t.throwsAsync(get(url, agent), { any: true });
  const translated = networkError(error, new URL(url).hostname);
  if (!translated) throw error;
  return translated;
}

/** A real proxy: tunnels to `to` whatever the name asked for, or answers with `status`. */
async function startProxy(t: ExecutionContext, to: number, status = 200, credentials?: string) {
  const asked: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, client, head) => {
    asked.push(request.url ?? '');
    const given = request.headers['proxy-authorization'];
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    const answer = expected !== undefined && given !== expected ? 407 : status;
    if (answer !== 200) {
      client.end(`HTTP/1.1 ${String(answer)} No\r\n\r\n`);
      return;
    }
    const upstream = net.connect(to, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { port: (proxy.address() as AddressInfo).port, asked };
}

test('resolve: an exact host goes to the address given, with its own name in TLS and Host', async (t) => {
  const { port } = await tlsServer(t, ['contososec.azurecr.io']);
  const agent = agentFor(t, {
    ca: await caFile(t),
    resolve: { 'contososec.azurecr.io': `127.0.0.1:${String(port)}` },
  });
  const { body } = await get('https://contososec.azurecr.io/v2/', agent);
  t.deepEqual(JSON.parse(body), { host: 'contososec.azurecr.io' });
});

test('resolve: an address without a port keeps the port of the request; "*" stands for the rest', async (t) => {
  const exact = await tlsServer(t, ['a.test']);
  const rest = await tlsServer(t, ['b.test']);
  const agent = agentFor(t, {
    ca: await caFile(t),
    resolve: { 'A.test': '127.0.0.1', '*': `127.0.0.1:${String(rest.port)}` },
  });
  t.is((await get(`https://a.test:${String(exact.port)}/`, agent)).status, 200);
  t.is((await get('https://b.test/', agent)).status, 200);
});

test('connections are kept alive', async (t) => {
  const { port } = await tlsServer(t, ['a.test']);
  const agent = agentFor(t, { ca: await caFile(t), resolve: { '*': `127.0.0.1:${String(port)}` } });
  t.false((await get('https://a.test/', agent)).reused);
  t.true((await get('https://a.test/', agent)).reused);
});

test('a host given as an address is checked against that address, not against the one dialled', async (t) => {
  const { port } = await tlsServer(t, ['127.0.0.1']);
  const agent = agentFor(t, { ca: await caFile(t), resolve: { '10.1.2.3': `127.0.0.1:${String(port)}` } });
  t.is((await get(`https://127.0.0.1:${String(port)}/`, agent)).status, 200);
  const error = await failure(t, 'https://10.1.2.3/', agent);
  t.regex(error.message, /for other names/);
});

test('an untrusted certificate is UNREACHABLE and names issuer and setting', async (t) => {
  const { port } = await tlsServer(t, ['a.test']);
  const agent = agentFor(t, { resolve: { '*': `127.0.0.1:${String(port)}` } });
  const error = await failure(t, 'https://a.test/', agent);
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /a\.test.*Test Authority/);
  t.true(error.nextSteps.some((step) => step.includes('network.ca')));
  t.is(connectionFailure(agent, 'a.test'), error);
  t.is(connectionFailure(agent, 'b.test'), undefined);
});

test('an expired certificate says so', async (t) => {
  const { port } = await tlsServer(t, ['a.test'], new Date(Date.now() - 1000));
  const agent = agentFor(t, { ca: await caFile(t), resolve: { '*': `127.0.0.1:${String(port)}` } });
  const error = await failure(t, 'https://a.test/', agent);
  t.regex(error.message, /CERT_HAS_EXPIRED/);
  t.true(error.nextSteps.some((step) => step.includes('clock')));
});

test('a remembered failure is forgotten once the host answers', async (t) => {
  const { port } = await tlsServer(t, ['a.test']);
  const ca = await caFile(t);
  const dead = await freePort();
  const agent = agentFor(t, { ca, resolve: { 'a.test': '127.0.0.1' } });
  await failure(t, `https://a.test:${String(dead)}/`, agent);
  t.regex(connectionFailure(agent, 'a.test')?.message ?? '', /ECONNREFUSED/);
  await get(`https://a.test:${String(port)}/`, agent);
  t.is(connectionFailure(agent, 'a.test'), undefined);
});

test('the proxy tunnels: it sees a name, TLS runs end to end', async (t) => {
  const { port } = await tlsServer(t, ['a.test']);
  const proxy = await startProxy(t, port, 200, 'me:p@ss');
  const agent = agentFor(t, {
    ca: await caFile(t),
    proxy: `http://me:p%40ss@127.0.0.1:${String(proxy.port)}`,
  });
  t.is((await get('https://a.test/', agent)).status, 200);
  t.true((await get('https://a.test/', agent)).reused);
  t.deepEqual(proxy.asked, ['a.test:443']);
});

test('a proxy of the environment is used, the one of the zone wins, NO_PROXY holds for both', async (t) => {
  const { port } = await tlsServer(t, ['a.test', 'localhost']);
  const fromEnvironment = await startProxy(t, port);
  const fromZone = await startProxy(t, port);
  const ca = await caFile(t);
  const httpsProxy = `http://127.0.0.1:${String(fromEnvironment.port)}`;
  await get('https://a.test/', agentFor(t, { ca }, { httpsProxy }));
  t.deepEqual([fromEnvironment.asked.length, fromZone.asked.length], [1, 0]);
  const proxy = `http://127.0.0.1:${String(fromZone.port)}`;
  await get('https://a.test/', agentFor(t, { ca, proxy }, { httpsProxy }));
  t.deepEqual([fromEnvironment.asked.length, fromZone.asked.length], [1, 1]);
  const direct = agentFor(t, { ca, proxy }, { httpsProxy, noProxy: 'localhost' });
  await get(`https://localhost:${String(port)}/`, direct);
  t.deepEqual([fromEnvironment.asked.length, fromZone.asked.length], [1, 1]);
});

test('never both: a host in resolve is not proxied', async (t) => {
  const { port } = await tlsServer(t, ['a.test']);
  const proxy = await startProxy(t, port);
  const agent = agentFor(t, {
    ca: await caFile(t),
    proxy: `http://127.0.0.1:${String(proxy.port)}`,
    resolve: { 'a.test': `127.0.0.1:${String(port)}` },
  });
  await get('https://a.test/', agent);
  t.deepEqual(proxy.asked, []);
});

for (const [status, code, hint] of [
  [407, 'UNAUTHENTICATED', /HTTPS_PROXY/],
  [403, 'NETWORK_DENIED', /allow list/],
  [502, 'UNREACHABLE', /proxy/],
] as const) {
  test(`proxy answers ${String(status)}: ${code}, without its password`, async (t) => {
    const proxy = await startProxy(t, 1, status);
    const agent = agentFor(t, { proxy: `http://me:secret@127.0.0.1:${String(proxy.port)}` });
    const error = await failure(t, 'https://a.test/', agent);
    t.is(error.code, code);
    t.regex(error.nextSteps.join(' '), hint);
    t.notRegex(`${error.message} ${error.nextSteps.join(' ')}`, /secret/);
    t.is(connectionFailure(agent, 'a.test')?.code, code);
  });
}

test('a proxy that is not there is UNREACHABLE', async (t) => {
  const agent = agentFor(t, { proxy: `http://127.0.0.1:${String(await freePort())}` });
  const error = await failure(t, 'https://a.test/', agent);
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /^proxy 127\.0\.0\.1/);
});

test('silence is UNREACHABLE after the deadline of the handshake', async (t) => {
  const mute = net.createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const sockets: net.Socket[] = [];
  mute.on('connection', (socket) => sockets.push(socket));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const address = `127.0.0.1:${String((mute.address() as AddressInfo).port)}`;
  const direct = agentFor(t, { resolve: { '*': address } }, { connectTimeoutMs: 50 });
  t.regex((await failure(t, 'https://a.test/', direct)).message, /did not answer within 50 ms/);
  const proxied = agentFor(t, { proxy: `http://${address}` }, { connectTimeoutMs: 50 });
  t.is((await failure(t, 'https://a.test/', proxied)).code, 'UNREACHABLE');
});

test('a name that nobody knows, a refused port and plain http are told apart', async (t) => {
  const dead = agentFor(t, { resolve: { '*': `127.0.0.1:${String(await freePort())}` } });
  const refused = await failure(t, 'https://a.test/', dead);
  t.regex(refused.message, /^a\.test cannot be reached at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/);
  t.regex(refused.nextSteps.join(' '), /sandbox start/);
  const plain = await startScriptedServer(t, () => ({}));
  const wrong = agentFor(t, { resolve: { '*': `127.0.0.1:${String(plain.port)}` } });
  const http = await failure(t, 'https://a.test/', wrong);
  t.is(http.message, 'a.test does not speak TLS there: plain http or another protocol answers');
  // No advice about private endpoints: those are not what is wrong.
  t.notRegex(http.nextSteps.join(' '), /private endpoint|firewall/);
  const ssh = net.createServer(
    (socket) => void socket.on('error', () => undefined).end('SSH-2.0-OpenSSH\r\n'),
  );
  await new Promise<void>((resolve) => ssh.listen(0, '127.0.0.1', resolve));
  t.teardown(() => ssh.close());
  const other = agentFor(t, { resolve: { '*': `127.0.0.1:${String((ssh.address() as AddressInfo).port)}` } });
  t.regex((await failure(t, 'https://a.test/', other)).message, /another protocol answers/);
  const unknown = networkError(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), 'a.test');
  t.regex(unknown?.nextSteps.join(' ') ?? '', /network\.resolve/);
  t.is(networkError(new Error('not about the network'), 'a.test'), undefined);
});

test('settings that cannot work are MANIFEST_INVALID at once', async (t) => {
  const code = (network: NetworkSettings): string | undefined =>
    t.throws(() => createAgent(network), { instanceOf: AmlpromoteError }).code;
  t.is(code({ resolve: { 'a.test': 'not an address!' } }), 'MANIFEST_INVALID');
  t.is(code({ resolve: { 'a.test': '10.0.0.1:99999' } }), 'MANIFEST_INVALID');
  t.is(code({ proxy: 'proxy.corp:3128' }), 'MANIFEST_INVALID');
  t.is(code({ ca: '/nowhere/ca.pem' }), 'MANIFEST_INVALID');
  t.notThrows(() => createAgent({ resolve: { 'a.test': '[::1]:443', 'b.test': 'fd00::1' } }));
});

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
