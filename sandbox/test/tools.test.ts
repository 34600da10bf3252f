import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { RunningSandbox } from '../index.ts';
import type { Made } from './support/content.ts';
import { makeImage, makeIndex, makeReferrer } from './support/content.ts';
import { loopbackOf } from './support/loopback.ts';
import { startTestSandbox, temporaryDirectory } from './support/sandbox.ts';
import { findTool, needing } from '../../test/support/tools.ts';

/** The public tools against the plain-http ports: what anyone can use to look inside. */
const run = promisify(execFile);
const tools = { skopeo: findTool('skopeo'), crane: findTool('crane'), oras: findTool('oras') };

async function call(t: ExecutionContext, name: keyof typeof tools, ...args: string[]): Promise<string> {
  // A login of this machine is nobody's business here.
  const env = { ...process.env, HOME: temporaryDirectory(t), DOCKER_CONFIG: temporaryDirectory(t) };
  const { stdout } = await run(tools[name] ?? name, args, { env, timeout: 60_000 });
  return stdout;
}

interface Fixture {
  readonly sandbox: RunningSandbox;
  readonly from: string;
  readonly to: string;
  readonly all: readonly Made[];
  readonly index: Made;
}

async function start(t: ExecutionContext): Promise<Fixture> {
  const sandbox = await startTestSandbox(t);
  const image = makeImage(50_000);
  const evidence = [1, 2].map((n) => makeReferrer(image, 'application/vnd.test.evidence', { n }));
  const index = makeIndex([image, ...evidence]);
  const all = [image, ...evidence, index];
  for (const made of all) await loopbackOf(sandbox, 'nonsensitive').push('team/a', made);
  const { nonsensitive, sensitive } = sandbox.description.registries;
  return { sandbox, from: `${nonsensitive.loopback}/team/a`, to: `${sensitive.loopback}/team/b`, all, index };
}

async function arrived(t: ExecutionContext, { sandbox, all }: Fixture): Promise<void> {
  for (const made of all) {
    const response = await loopbackOf(sandbox, 'sensitive').manifest('team/b', made.digest);
    t.deepEqual(Buffer.from(await response.arrayBuffer()), made.bytes);
  }
}

needing('skopeo')('skopeo copies a release between the registries', async (t) => {
  const fixture = await start(t);
  const { from, to, index } = fixture;
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false'];
  const copy = ['copy', '--all', '--preserve-digests', ...plain];
  await call(t, 'skopeo', ...copy, `docker://${from}@${index.digest}`, `docker://${to}:v1`);
  await arrived(t, fixture);
  const raw = await call(t, 'skopeo', 'inspect', '--tls-verify=false', '--raw', `docker://${to}:v1`);
  t.is(raw, index.bytes.toString('utf8'));
});

needing('crane')('crane copies, lists and tags', async (t) => {
  const fixture = await start(t);
  const { from, to, index } = fixture;
  await call(t, 'crane', '--insecure', 'copy', `${from}@${index.digest}`, `${to}:v1`);
  await arrived(t, fixture);
  t.is((await call(t, 'crane', '--insecure', 'digest', `${to}:v1`)).trim(), index.digest);
  await call(t, 'crane', '--insecure', 'tag', `${to}:v1`, 'v2');
  t.deepEqual((await call(t, 'crane', '--insecure', 'ls', to)).trim().split('\n'), ['v1', 'v2']);
  t.is((await call(t, 'crane', '--insecure', 'manifest', `${to}:v2`)).trim(), index.bytes.toString('utf8'));
});

needing('oras')('oras attaches, and finds what it attached', async (t) => {
  const { from, all } = await start(t);
  const [image] = all;
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'note.txt'), 'hello');
  const subject = `${from}@${image?.digest ?? ''}`;
  const file = `${join(folder, 'note.txt')}:text/plain`;
  const attach = ['attach', '--plain-http', '--disable-path-validation'];
  await call(t, 'oras', ...attach, '--artifact-type', 'application/vnd.test.note', subject, file);
  const listed = await call(t, 'oras', 'discover', '--plain-http', '--format', 'json', subject);
  t.regex(listed, /application\/vnd\.test\.note/);
});
