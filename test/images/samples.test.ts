import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { connectEngine, openDocker } from '../../src/adapters/docker/engine.ts';
import { loadImage } from '../../src/manifest/image.ts';
import { packContext } from '../../src/steps/build/context-tar.ts';
import { readContext } from '../../src/steps/build/context.ts';
import { engineHas, sampleBase } from '../support/engine.ts';
import { engineHost } from '../support/test-engine.ts';
import { needing } from '../support/tools.ts';

const manifests = path.resolve(import.meta.dirname, '../../manifests/images');

interface Ran {
  readonly log: string;
  readonly code: number;
  /** What the program left in /tmp/out, by name. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Builds a sample in the engine, from what its manifest says; returns the id of the image there. */
async function buildSample(name: string): Promise<string> {
  const engine = await connectEngine({ hosts: [engineHost ?? ''] });
  const { source } = await loadImage(path.join(manifests, `${name}.yaml`));
  if (source.kind !== 'build') throw new Error(`${name} has no Dockerfile`);
  const context = await readContext(source.context, source.dockerfile);
  const { id } = await engine.build({
    ...source,
    context: () => packContext(context, undefined),
    labels: {},
    onLog: () => undefined,
  });
  return id;
}

/** Runs without a network, as the image's own user. */
async function run(image: string, files: Readonly<Record<string, Buffer>>, command: readonly string[]): Promise<Ran> {
  const docker = await openDocker(engineHost ?? '', undefined);
  const container = await docker.createContainer({
    Image: image,
    Cmd: [...command],
    HostConfig: { NetworkMode: 'none' },
    Tty: true,
  });
  try {
    const input = pack();
    for (const [name, content] of Object.entries(files)) input.entry({ name }, content);
    input.finalize();
    await container.putArchive(Readable.from(input, { objectMode: false }), { path: '/tmp' });
    const output = await container.attach({ stream: true, stdout: true, stderr: true });
    await container.start();
    const log = buffer(output);
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    const left = new Map<string, Buffer>();
    if (code === 0) {
      const archive = extract();
      (await container.getArchive({ path: '/tmp/out' })).pipe(archive);
      for await (const entry of archive) left.set(path.posix.basename(entry.header.name), await buffer(entry));
    }
    return { log: (await log).toString(), code, files: left };
  } finally {
    await container.remove({ force: true });
  }
}

const testWithBase = needing({
  name: 'the base image that npm run demo makes',
  isHere: engineHas(sampleBase),
});

testWithBase('the samples: one trains, the other scores with its model', async (t) => {
  const smoke = (name: string): Promise<Buffer> => readFile(path.join(manifests, 'smoke', name));
  const [train, score] = [await buildSample('churn-train'), await buildSample('churn-score')];

  const trained = await run(train, { 'churn.csv': await smoke('churn.csv') }, [
    ...['python3', '/app/train.py', '--data', '/tmp/churn.csv', '--out', '/tmp/out'],
  ]);
  t.is(trained.code, 0, trained.log);
  const [, auc] = /score: auc=([\d.]+)/.exec(trained.log) ?? [];
  t.true(Number(auc) > 0.7, trained.log);
  const model = trained.files.get('model.json') ?? Buffer.alloc(0);

  const scored = await run(score, { 'customers.csv': await smoke('customers.csv'), 'model/model.json': model }, [
    ...['python3', '/app/score.py', '--data', '/tmp/customers.csv', '--model', '/tmp/model', '--out', '/tmp/out'],
  ]);
  t.is(scored.code, 0, scored.log);
  const lines = (scored.files.get('scores.csv') ?? Buffer.alloc(0)).toString().trimEnd().split('\n');
  t.is(lines[0], 'customer_id,probability,leaves');
  t.is(lines.length, 1001);
  t.true(lines.slice(1).every((line) => /^C\d{6},0\.\d{6},[01]$/.test(line)));
});

testWithBase('the training sample says what is wrong with its input', async (t) => {
  const image = await buildSample('churn-train');
  const failed = await run(image, { 'x.csv': Buffer.from('a,b\n1,2\n') }, [
    ...['python3', '/app/train.py', '--data', '/tmp/x.csv', '--out', '/tmp/out'],
  ]);
  t.is(failed.code, 1);
  t.true(failed.log.includes('no column customer_id'), failed.log);
});
