import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { JobDefinition, JobRecord } from '../../aml/jobs.ts';
import type { Compute } from '../../compute/compute.ts';
import { startCompute } from '../../compute/compute.ts';
import type { ContainerSpec } from '../../compute/engine.ts';
import { defaultAssignments } from '../../identity/roles.ts';
import { writeJson } from '../../store/files.ts';
import { workspace } from '../../topology.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';
import type { Program, ScriptedEngine } from '../../../test/support/scripted-engine.ts';
import { scriptedEngine } from '../../../test/support/scripted-engine.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const at = '2026-05-04T10:00:00.000Z';
const common = {
  tags: {},
  properties: {},
  isArchived: false,
  system: { createdAt: at, createdBy: 'test', createdByType: 'Application' as const, lastModifiedAt: at },
};
const definition: JobDefinition = {
  command: 'run',
  environmentId: `${workspace.id}/environments/churn/versions/1`,
  computeId: workspace.compute.id,
  experimentName: 'test',
  identity: null,
  inputs: {},
  outputs: {},
  environmentVariables: {},
  instanceCount: 1,
  shmSize: '64m',
};

interface Lab {
  readonly sandbox: AmlSandbox;
  readonly engine: ScriptedEngine;
  readonly compute: Compute;
  submit(name: string, change?: Partial<JobDefinition>): void;
  run(name: string, change?: Partial<JobDefinition>): Promise<JobRecord>;
  put(path: string, content: string): Promise<void>;
  read(path: string): Promise<string>;
}

async function startLab(t: ExecutionContext, program: Program): Promise<Lab> {
  const sandbox = await startAmlSandbox(t);
  const { context } = sandbox;
  const { jobs, environments, blobs } = context.workspace;
  const engine = scriptedEngine(program);
  const compute = startCompute({
    ...context.workspace,
    context,
    directory: join(context.stateDirectory, 'other-compute'),
    nodes: 2,
    connect: () => Promise.resolve(engine),
  });
  const image = `contososec.azurecr.io/ml/churn@${digest}`;
  environments.putVersion({
    ...common,
    name: 'churn',
    version: '1',
    definition: { image, condaFile: '', osType: 'Linux', isAnonymous: false },
  });
  const submit = (name: string, change: Partial<JobDefinition> = {}): void => {
    jobs.put({
      ...common,
      name,
      displayName: name,
      status: 'Starting',
      definition: { ...definition, ...change },
    });
    compute.submit(name);
  };
  const container = workspace.datastore.container;
  return {
    ...{ sandbox, engine, compute, submit },
    run: async (name, change) => {
      submit(name, change);
      await compute.idle();
      return jobs.get(name)!;
    },
    put: async (path, content) => {
      blobs.commit(
        container,
        path,
        await blobs.receive(container, Readable.from([Buffer.from(content)])),
        {},
      );
    },
    read: async (path) => {
      const blob = blobs.get(container, path)!;
      return (await (await blobs.read(container, blob, 0, blob.size - 1)).toArray()).join('');
    },
  };
}

const uri = (path: string): string => `azureml://datastores/workspaceblobstore/paths/${path}`;
const folder = (path: string) => ({
  jobInputType: 'uri_folder' as const,
  uri: uri(path),
  mode: 'ReadOnlyMount',
});
const file = (path: string) => ({ jobInputType: 'uri_file' as const, uri: uri(path), mode: 'ReadOnlyMount' });
/** The path on this machine of what a command sees at `path`. */
const local = (spec: ContainerSpec, path: string): string => {
  const mount = spec.mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  return path.replace(mount!.target, mount!.source);
};

test("the image is pulled by digest from the registry's loopback port", async (t) => {
  const lab = await startLab(t, () => 0);
  const job = await lab.run('job');
  t.is(job.status, 'Completed');
  t.deepEqual(lab.engine.pulled, [`${lab.sandbox.context.loopback('sensitive')}/ml/churn@${digest}`]);
  t.like(lab.engine.ran[0], { processes: 1024, memory: 4 * 1024 ** 3, sharedMemory: 64 * 1024 ** 2 });
  t.is(lab.engine.ran[0]!.labels['dev.amlpromote.job'], 'job');
  t.is(lab.engine.swept.length, 1, 'leftovers go first');
});

test('references become paths: files, folders, literals and outputs', async (t) => {
  const lab = await startLab(t, async (spec) => {
    const [, one = '', many = '', literal = '', out = '', single = ''] = spec.command.split(' ');
    t.is(literal, '0.1');
    t.is(await readFile(local(spec, one), 'utf8'), 'one');
    t.is(await readFile(local(spec, `${many}/deep/two`), 'utf8'), 'two');
    await writeFile(local(spec, `${out}/three`), 'three');
    await writeFile(local(spec, single), 'four');
    await symlink('/etc/passwd', local(spec, `${out}/link`));
    return 0;
  });
  await lab.put('in/one.csv', 'one');
  await lab.put('many/deep/two', 'two');
  const job = await lab.run('job', {
    command: 'run ${{inputs.one}} ${{ inputs.many }} ${{inputs.rate}} ${{outputs.out}} ${{outputs.single}}',
    inputs: {
      one: file('in/one.csv'),
      many: folder('many'),
      rate: { jobInputType: 'literal', value: '0.1' },
    },
    outputs: {
      out: { jobOutputType: 'uri_folder', uri: uri('results/'), mode: 'ReadWriteMount' },
      single: { jobOutputType: 'uri_file', uri: uri('single.txt'), mode: 'ReadWriteMount' },
    },
  });
  t.is(job.error, undefined);
  t.is(await lab.read('results/three'), 'three');
  t.is(await lab.read('single.txt'), 'four');
  t.is(lab.sandbox.context.workspace.blobs.get(workspace.datastore.container, 'results/link'), undefined);
  const { environment, mounts } = lab.engine.ran[0]!;
  t.regex(environment.AZURE_ML_INPUT_one ?? '', /INPUT_one\/one\.csv$/);
  t.is(environment.AZUREML_RUN_ID, 'job');
  t.deepEqual(
    mounts.map(({ readOnly }) => readOnly),
    [false, true, true, false, false],
  );
});

test('an input that is not there fails the job before anything runs', async (t) => {
  const lab = await startLab(t, () => 0);
  for (const input of [file('nope.csv'), folder('nope')]) {
    const job = await lab.run(`job-${input.jobInputType}`, { inputs: { data: input } });
    t.is(job.status, 'Failed');
    t.regex(job.error?.message ?? '', /Failed to mount input 'data'.*not found/);
  }
  t.is(lab.engine.ran.length, 0);
});

test('two jobs at a time, the others wait for a node', async (t) => {
  const waiting: (() => void)[] = [];
  const started: string[] = [];
  const { promise: two, resolve: twoRun } = Promise.withResolvers<undefined>();
  const lab = await startLab(t, async (spec) => {
    started.push(spec.labels['dev.amlpromote.job'] ?? '');
    if (started.length === 2) twoRun(undefined);
    if (started.length <= 2) await new Promise<void>((resolve) => waiting.push(resolve));
    return 0;
  });
  for (const name of ['a', 'b', 'c', 'd']) lab.submit(name);
  await two;
  t.deepEqual([...started].sort(), ['a', 'b']);
  t.is(lab.sandbox.context.workspace.jobs.get('c')?.status, 'Queued');
  for (const resume of waiting) resume();
  await lab.compute.idle();
  // Which of these two is quicker at its preparations is open.
  t.deepEqual(started.slice(2).sort(), ['c', 'd']);
});

test('what the command prints is the log, and its end the error', async (t) => {
  const lab = await startLab(t, (_spec, output) => {
    output('first\n');
    output('last words\n');
    return 9;
  });
  const job = await lab.run('job');
  t.is(job.status, 'Failed');
  t.regex(job.error?.message ?? '', /status code 9\..*Error: first\nlast words$/s);
});

test('an aborted command ends as Canceled', async (t) => {
  const lab = await startLab(
    t,
    (_spec, _output, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve(137);
        });
        lab.compute.cancel('job');
      }),
  );
  t.is((await lab.run('job')).status, 'Canceled');
});

test("an engine that breaks is the sandbox's failure, not the image's", async (t) => {
  const lab = await startLab(t, () => {
    throw new Error('no space left on device');
  });
  const job = await lab.run('job');
  t.deepEqual(job.error, {
    code: 'ServiceError',
    message: 'The sandbox could not run the job: no space left on device',
  });
});

const withoutRole = (sandbox: AmlSandbox, role: string): void =>
  writeJson(
    join(sandbox.context.stateDirectory, 'roles.json'),
    defaultAssignments.filter((line) => !(line.identity === 'compute' && line.role === role)),
  );

test('a compute identity without AcrPull cannot pull', async (t) => {
  const lab = await startLab(t, () => 0);
  withoutRole(lab.sandbox, 'AcrPull');
  const job = await lab.run('job');
  t.regex(job.error?.message ?? '', /^AzureMLCompute job failed\.\nFailedPullingImage:.*unauthorized/s);
  t.deepEqual(lab.engine.pulled, []);
});

test('a compute identity without access to storage gets no inputs', async (t) => {
  const lab = await startLab(t, () => 0);
  withoutRole(lab.sandbox, 'Storage Blob Data Contributor');
  t.regex((await lab.run('job')).error?.message ?? '', /not authorized to access the storage account/);
});
