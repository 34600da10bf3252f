import { createServer } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { extract } from 'tar-stream';
import { Readable } from 'node:stream';
import { baseImage, ensureBaseImage } from '../../scripts/base-image.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { tarOfFiles } from '../support/tar-archive.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** An engine that has nothing, and answers what it is told on the rest. */
async function emptyEngine(
  t: ExecutionContext,
  directory: string,
  answer: (url: string, body: Buffer) => Told,
): Promise<string> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const url = request.url ?? '';
      const told: Told = url.includes('/version')
        ? { status: 200, body: { Version: '26.1.5', ApiVersion: '1.45' } }
        : url.includes('/networks')
          ? { status: 200, body: [] }
          : url.includes('/json')
            ? { status: 404, body: { message: 'No such image' } }
            : answer(url, body);
      response.writeHead(told.status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(told.body)}\n`);
    });
  });
  const socket = path.join(directory, 'engine.sock');
  server.listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `unix://${socket}`;
}

const silent = (): void => undefined;

for (const [what, told] of [
  ['no registry can be reached', { status: 500, body: { message: 'dial tcp: lookup: no such host' } }],
  ['the registry does not have it', { status: 404, body: { message: 'manifest unknown' } }],
  ['the pull breaks off', { status: 200, body: { error: 'unexpected EOF' } }],
  ['the engine says something strange', { status: 418, body: { message: 'teapot' } }],
] as const) {
  test(`a base that cannot be had is "could not check", with what to do: ${what}`, async (t) => {
    const directory = await temporaryDirectory(t);
    const dockerHost = await emptyEngine(t, directory, () => told);
    const error = await t.throwsAsync(
      ensureBaseImage({ dockerHost, workDir: directory, log: silent, mayMake: false }),
    );
    if (!(error instanceof AmlpromoteError)) return t.fail(String(error));
    t.is(error.exitCode, 20, error.message);
    t.regex(error.message, /base image of the samples cannot be had/);
    t.true(error.nextSteps.some((step) => step.includes('python:3.12-slim-bookworm')));
    t.true(error.nextSteps.some((step) => step.includes(baseImage)));
  });
}

test('a base that has been made is loaded as an archive that every engine reads alike', async (t) => {
  const layer = tarOfFiles({ 'etc/debian_version': '12.9' });
  const directory = await temporaryDirectory(t, { 'base/bookworm-python.tar': layer });
  let loaded: Uint8Array = Buffer.alloc(0);
  const dockerHost = await emptyEngine(t, directory, (url, body) => {
    t.regex(url, /\/images\/load/);
    loaded = body;
    return { status: 200, body: { stream: 'Loaded image' } };
  });
  await ensureBaseImage({ dockerHost, workDir: directory, log: silent, mayMake: false });

  const files = new Map<string, Buffer>();
  const tar = Readable.from([loaded], { objectMode: false }).pipe(extract());
  for await (const entry of tar) files.set(entry.header.name, await buffer(entry));
  const [image] = JSON.parse(files.get('manifest.json')?.toString() ?? '[]') as {
    Config: string;
    RepoTags: string[];
    Layers: string[];
  }[];
  t.deepEqual(image?.RepoTags, [baseImage]);
  t.true(files.get(image?.Layers[0] ?? '')?.equals(layer));
  const config = JSON.parse(files.get(image?.Config ?? '')?.toString() ?? '{}') as {
    config: unknown;
    rootfs: { diff_ids: string[] };
  };
  t.deepEqual(config.config, {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
    Cmd: ['python3'],
  });
  t.deepEqual(config.rootfs.diff_ids, [sha256(layer)]);
});
