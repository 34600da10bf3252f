import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { ExecutionContext } from 'ava';
import { workspace } from '../../topology.ts';
import { raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox, until } from '../../../test/support/aml-sandbox.ts';
import { pushShellImage } from '../../../test/support/shell-image.ts';
import { temporaryDirectory } from '../../../test/support/temp-directory.ts';
import { engineHost, engineTest } from '../../../test/support/test-engine.ts';

const image = 'contososec.azurecr.io/ml/tiny';

async function start(t: ExecutionContext, directory: string): Promise<AmlSandbox> {
  t.timeout(60_000);
  return startAmlSandbox(t, { engineHost: engineHost ?? '', directory });
}

async function submitSleeper(sandbox: AmlSandbox): Promise<void> {
  const digest = await pushShellImage(sandbox.context, 'ml/tiny');
  const put = (path: string, properties: object) =>
    raw(sandbox, path, { method: 'PUT', body: { properties } });
  await put('/environments/tiny/versions/1', { image: `${image}@${digest}` });
  await put('/jobs/sleeper', {
    jobType: 'Command',
    command: 'echo started; sleep 600',
    environmentId: `${workspace.id}/environments/tiny/versions/1`,
    computeId: workspace.compute.id,
  });
}

/** Ids of the containers of the sandbox in this directory. */
async function containersOf(directory: string): Promise<string[]> {
  const docker = new Docker({ socketPath: new URL(engineHost ?? '').pathname });
  const id = readFileSync(join(directory, 'state', 'compute', 'id'), 'utf8');
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`dev.amlpromote.sandbox=${id}`] },
  });
  return found.map(({ Id }) => Id);
}

const statusOf = async (sandbox: AmlSandbox): Promise<string> =>
  ((await raw(sandbox, '/jobs/sleeper')).body as { properties: { status: string } }).properties.status;

engineTest('a stop leaves no container, and the job is lost', async (t) => {
  const directory = await temporaryDirectory(t);
  const first = await start(t, directory);
  await submitSleeper(first);
  await until(async () => ((await containersOf(directory)).length > 0 ? true : undefined));
  await until(() => (first.context.workspace.jobs.get('sleeper')?.status === 'Running' ? true : undefined));
  await first.stop();
  t.deepEqual(await containersOf(directory), []);
  t.is(await statusOf(await start(t, directory)), 'Failed');
});

engineTest('threat 40: after kill -9 the next start removes the container', async (t) => {
  const directory = await temporaryDirectory(t);
  const script = new URL('../../../test/support/aml-sandbox-process.ts', import.meta.url).pathname;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, directory, engineHost ?? ''],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  await until(async () => {
    try {
      return (await containersOf(directory)).length > 0 ? true : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.is((await containersOf(directory)).length, 1, 'it runs on without its sandbox');

  const next = await start(t, directory);
  t.is(await statusOf(next), 'Failed');
  await until(async () => ((await containersOf(directory)).length === 0 ? true : undefined));
});
