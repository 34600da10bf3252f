import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { connectEngine } from '../../compute/connect.ts';
import { createAuthority } from '../../../test/support/tls-authority.ts';
import { temporaryDirectory } from '../../../test/support/temp-directory.ts';

test('the sandbox finds an engine behind TLS as the tool does: DOCKER_HOST and DOCKER_CERT_PATH', async (t) => {
  const authority = await createAuthority();
  const server = await authority.issue(['127.0.0.1']);
  const client = await authority.issue(['client']);
  const directory = await temporaryDirectory(t, {
    'ca.pem': authority.ca,
    'cert.pem': client.cert,
    'key.pem': client.key,
  });
  const asked: string[] = [];
  const engine = createServer(
    { ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      asked.push(request.url ?? '');
      response.end(request.url?.includes('version') ? '{"Version":"26.1.5"}' : 'OK');
    },
  );
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
  t.teardown(() => engine.close());
  const host = `tcp://127.0.0.1:${String((engine.address() as AddressInfo).port)}`;

  const environment = { DOCKER_HOST: host, DOCKER_CERT_PATH: directory };
  await connectEngine(undefined, environment);
  await connectEngine(host, environment);
  t.true(asked.some((url) => url.includes('_ping')));
  await t.throwsAsync(connectEngine(undefined, { DOCKER_HOST: host }), { message: /does not answer/ });
});

test('an engine that is named but absent is named in the message', async (t) => {
  const absent = `unix://${path.join(await temporaryDirectory(t), 'none.sock')}`;
  await t.throwsAsync(connectEngine(absent, {}), { message: /none\.sock does not answer/ });
});

test('an address that is none is told in words', async (t) => {
  await t.throwsAsync(connectEngine('ssh://me@host', {}), { message: /ssh:\/\/me@host/ });
});
