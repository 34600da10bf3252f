import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { watchSilence } from '../../src/cli/silence.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { createAgent } from '../../src/network/agent.ts';
import { createRegistry } from '../../src/oci/registry/registry.ts';
import { fastClock } from '../oci/registry/wire.ts';

/** Accepts connections and says nothing. */
async function mutePort(t: ExecutionContext): Promise<number> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A busy machine is late by hundreds of milliseconds: what must not be told has a second. */
const listen = (t: ExecutionContext, milliseconds: number): string[] => {
  const told: string[] = [];
  t.teardown(
    watchSilence((host, _milliseconds, what) => told.push(`${host}: ${what}`), milliseconds, milliseconds),
  );
  return told;
};

test.serial('a port that never answers is named soon, tried three times at most, and given up', async (t) => {
  const told = listen(t, 100);
  const agent = createAgent(
    { resolve: { 'mute.test': `127.0.0.1:${String(await mutePort(t))}` } },
    { connectTimeoutMs: 300 },
  );
  t.teardown(() => agent.destroy());
  const registry = createRegistry({
    host: 'mute.test',
    agent,
    clock: fastClock(),
    limits: { patience: 450, attempts: 50 },
  });
  const started = performance.now();
  const error = await t.throwsAsync(registry.repository('a').resolve('v1'), { instanceOf: AmlpromoteError });
  t.is(error.code, 'UNREACHABLE');
  t.regex(error.message, /mute\.test did not answer/);
  t.true(told.length >= 1);
  t.deepEqual([...new Set(told)], ['mute.test: no connection']);
  t.true(performance.now() - started < 10_000);
});

test.serial('a service that takes a request and is silent is named; one that answers is not', async (t) => {
  const told = listen(t, 1000);
  const server = http.createServer((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('x'), 3000);
    else {
      // Headers come at once, the rest takes its time: that is no silence.
      response.write('x');
      setTimeout(() => response.end(), 3000);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const get = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port, path }, (response) => response.resume().on('end', resolve))
        .on('error', reject);
    });
  await get('/fast');
  t.deepEqual(told, []);
  await get('/slow');
  t.deepEqual([...new Set(told)], ['127.0.0.1: no answer']);
  // An upload that is under way is no silence either.
  told.length = 0;
  const upload = http.request({ host: '127.0.0.1', port, path: '/up', method: 'PUT' });
  upload.on('error', () => undefined);
  upload.write('some');
  await delay(3000);
  t.deepEqual(told, []);
  upload.destroy();
});
