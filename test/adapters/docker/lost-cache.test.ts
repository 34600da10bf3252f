import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { ConnectedEngine } from '../../../src/adapters/docker/engine.ts';
import { connectEngine } from '../../../src/adapters/docker/engine.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const id = 'a'.repeat(64);
/** As Podman 4.3.1 and Docker 20.10 said it when another image was removed meanwhile. */
const lost = 'checking if cached image exists from a previous build: getting top layer info: layer not known';
const lostByDocker = `unable to find image "sha256:${id}"`;

interface Fake {
  readonly engine: ConnectedEngine;
  /** `nocache` of each build. */
  readonly builds: readonly string[];
}

/** An engine named so, whose builds end as told, the last one without an error. */
async function fakeEngine(
  t: ExecutionContext,
  name: string,
  errors: readonly string[] = [],
  certificates?: string,
): Promise<Fake> {
  const builds: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://engine');
    const answer = (): unknown => {
      if (url.pathname.endsWith('/version'))
        return { Version: '4.3.1', ApiVersion: '1.41', Components: [{ Name: name, Version: '4.3.1' }] };
      if (url.pathname.endsWith('/networks')) return [];
      if (url.pathname.endsWith('/json')) return { Id: id, Os: 'linux', Architecture: 'amd64', Size: 1 };
      builds.push(url.searchParams.get('nocache') ?? '');
      const error = errors[builds.length - 1];
      return error === undefined ? { aux: { ID: `sha256:${id}` } } : { error };
    };
    request.resume();
    request.once('end', () => response.end(`${JSON.stringify(answer())}\n`));
  });
  const socket = path.join(await temporaryDirectory(t), 'engine.sock');
  server.listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { engine: await connectEngine({ hosts: [`unix://${socket}`], certificates }), builds };
}

const request = {
  context: () => Readable.from([Buffer.alloc(1024)], { objectMode: false }),
  dockerfile: 'Dockerfile',
  args: {},
  platform: { os: 'linux', architecture: 'amd64' },
  labels: {},
  onLog: () => undefined,
} as const;

for (const [name, error] of [
  ['Podman Engine', lost],
  ['Engine', lostByDocker],
] as const)
  test(`${name} that lost an image with a remembered step builds once more, without them`, async (t) => {
    const { engine, builds } = await fakeEngine(t, name, [error]);
    t.is((await engine.build(request)).id, `sha256:${id}`);
    t.is(builds.length, 2);
    t.true(['true', '1'].includes(builds[1] ?? ''), builds[1]);
  });

test('it does so once', async (t) => {
  const { engine, builds } = await fakeEngine(t, 'Podman Engine', [lost, lost, lost]);
  await t.throwsAsync(engine.build(request), { code: 'BUILD_FAILED' });
  t.is(builds.length, 2);
});

for (const [name, error] of [
  ['Podman Engine', 'building at STEP "RUN false": exit status 1'],
  ['Engine', lost],
] as const) {
  test(`any other failure is the Dockerfile's: ${name}, ${error.slice(0, 20)}`, async (t) => {
    const { engine, builds } = await fakeEngine(t, name, [error]);
    await t.throwsAsync(engine.build(request), { code: 'BUILD_FAILED' });
    t.is(builds.length, 1);
  });
}

test('DOCKER_CERT_PATH is for TLS: at a socket nothing is read from there', async (t) => {
  const { engine } = await fakeEngine(t, 'Engine', [], '/nonexistent/certificates');
  t.is((await engine.version()).name, 'docker');
});
