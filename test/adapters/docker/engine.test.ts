import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { connectEngine } from '../../../src/adapters/docker/engine.ts';
import type { EngineBuildRequest, EngineImage } from '../../../src/ports/engine.ts';
import { contextOf, engineTest, testEngine } from '../../support/engine.ts';
import { engineHost } from '../../support/test-engine.ts';

const request = async (
  files: Readonly<Record<string, string>>,
  options: Partial<EngineBuildRequest> = {},
): Promise<EngineBuildRequest> => {
  const context = await buffer(await contextOf(files));
  return {
    context: () => Readable.from([context], { objectMode: false }),
    dockerfile: 'Dockerfile',
    args: {},
    platform: { os: 'linux', architecture: 'amd64' },
    labels: {},
    onLog: () => undefined,
    ...options,
  };
};

for (const needsBuildKit of [false, true]) {
  const builder = needsBuildKit ? 'BuildKit' : 'the builder that the engine prefers';
  engineTest(
    `${builder}: builds from scratch, with args, target and labels, and tells its log`,
    async (t) => {
      const engine = await testEngine();
      const log: string[] = [];
      const marker = randomUUID();
      const image: EngineImage = await engine.build(
        await request(
          {
            'sub/My.Dockerfile':
              'FROM scratch AS one\nARG WHO\nLABEL who=$WHO\nCOPY a.txt /a.txt\nFROM one AS two\nCOPY a.txt /b.txt\n',
            'a.txt': marker,
          },
          {
            dockerfile: 'sub/My.Dockerfile',
            args: { WHO: marker },
            target: 'one',
            labels: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' },
            onLog: (line) => log.push(line),
            needsBuildKit,
          },
        ),
      );
      t.regex(image.id, /^sha256:[0-9a-f]{64}$/);
      t.is(image.diffIds.length, 1);
      t.is(image.platform.architecture, 'amd64');
      t.true(
        log.some((line) => line.includes('COPY a.txt /a.txt')),
        log.join('\n'),
      );
      t.false(log.some((line) => line.includes('/b.txt')));
      t.deepEqual(await engine.inspect(image.id), image);
    },
  );

  engineTest(`${builder}: a failing step is BUILD_FAILED with the tail of the log`, async (t) => {
    const engine = await testEngine();
    const error = await t.throwsAsync(
      engine.build(await request({ Dockerfile: 'FROM scratch\nCOPY missing.txt /x\n' }, { needsBuildKit })),
      { code: 'BUILD_FAILED' },
    );
    t.true(error.message.includes('missing.txt'), error.message);
  });
}

for (const [what, dockerfile, options, word] of [
  ['a Dockerfile that cannot be read', 'FORM scratch\n', {}, /form|no FROM statement/i],
  ['an unknown target', 'FROM scratch AS a\nLABEL a=b\n', { target: 'zzz' }, /zzz/],
  ['no Dockerfile', 'FROM scratch\n', { dockerfile: 'other' }, /other/],
] as const) {
  engineTest(`${what} is BUILD_FAILED`, async (t) => {
    const engine = await testEngine();
    const error = await t.throwsAsync(engine.build(await request({ Dockerfile: dockerfile }, options)), {
      code: 'BUILD_FAILED',
    });
    t.regex(error.message, word);
  });
}

engineTest('a base that is not there and cannot be pulled says so', async (t) => {
  const engine = await testEngine();
  t.is(await engine.inspect(`amlpromote.test/none:${randomUUID()}`), undefined);
  const error = await t.throwsAsync(engine.inspect('127.0.0.1:1/none:latest', { pull: true }));
  t.regex(error.message, /127\.0\.0\.1:1\/none/);
});

engineTest('a build can be aborted', async (t) => {
  const engine = await testEngine();
  const controller = new AbortController();
  const context = await contextOf({ Dockerfile: 'FROM scratch\nLABEL a=b\n' });
  context.pause();
  const building = engine.build({
    ...(await request({})),
    context: () => {
      setImmediate(() => controller.abort());
      return context;
    },
    signal: controller.signal,
  });
  await t.throwsAsync(building);
});

engineTest('save gives an archive', async (t) => {
  const engine = await testEngine();
  const image = await engine.build(await request({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }));
  const { extract } = await import('tar-stream');
  const names: string[] = [];
  const tar = (await engine.save(image.id)).pipe(extract());
  for await (const entry of tar) {
    names.push(entry.header.name);
    entry.resume();
  }
  t.true(names.includes('manifest.json'));
});

engineTest('the engine says who it is', async (t) => {
  const engine = await testEngine();
  const { name, version } = await engine.version();
  t.regex(name, /^(docker|podman)$/);
  t.regex(version, /^\d/);
  t.is<string | undefined, string | undefined>(engine.address, engineHost);
});

test('no engine at an address: ENGINE_UNREACHABLE with what to do', async (t) => {
  const error = await t.throwsAsync(connectEngine({ hosts: ['unix:///nonexistent/docker.sock'] }), {
    code: 'ENGINE_UNREACHABLE',
  });
  t.true(error.message.includes('/nonexistent/docker.sock'));
});

test('none of the hosts: ENGINE_UNREACHABLE lists them', async (t) => {
  const error = await t.throwsAsync(
    connectEngine({ hosts: ['unix:///nonexistent/a', 'unix:///nonexistent/b'] }),
    {
      code: 'ENGINE_UNREACHABLE',
      message: 'no container engine was found',
    },
  );
  t.true(JSON.stringify(error).includes('/nonexistent/b'));
});

test('an address that is none is USAGE', async (t) => {
  await t.throwsAsync(connectEngine({ hosts: ['docker.sock'] }), { code: 'USAGE' });
});

test('something that answers but is no engine is not taken for one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'amlpromote-engine-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const server = createServer((socket) =>
    socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno'),
  );
  server.listen(join(directory, 's'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  await t.throwsAsync(connectEngine({ hosts: [`unix://${directory}/s`] }), { code: 'SERVICE_FAILED' });
});

test('a connection that is cut while the engine answers is ENGINE_UNREACHABLE', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'amlpromote-engine-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const server = createServer((socket) => socket.destroy());
  server.listen(join(directory, 's'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  await t.throwsAsync(connectEngine({ hosts: [`unix://${directory}/s`] }), { code: 'ENGINE_UNREACHABLE' });
});

test('an engine that takes connections and never answers is given up, and keeps nothing open', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'amlpromote-engine-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  let open = 0;
  const server = createServer((socket) => {
    open += 1;
    socket.on('error', () => undefined).on('close', () => (open -= 1));
    socket.resume();
  });
  server.listen(join(directory, 's'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  await t.throwsAsync(connectEngine({ hosts: [`unix://${directory}/s`], patience: 0.3 }), {
    code: 'ENGINE_UNREACHABLE',
    message: /takes connections, but did not answer for 0.3 s/,
  });
  for (let turn = 0; turn < 100 && open > 0; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(open, 0);
});

engineTest("what is no name of an image is the Dockerfile's fault, not the engine's", async (t) => {
  const engine = await testEngine();
  for (const name of ['amlpromote/Base:x', 'amlpromote/base:'])
    await t.throwsAsync(engine.inspect(name), { code: 'MANIFEST_INVALID' }, name);
});
