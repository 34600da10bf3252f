import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { hexOf, shortHex } from '../../src/domain/digest.ts';
import type { CarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { environmentOf } from '../../src/steps/register/environment.ts';
import { attemptOf, experimentOf, smokeJobName } from '../../src/steps/run/names.ts';
import { run } from '../../src/steps/run.ts';
import type { RunInput } from '../../src/steps/run.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryWorkspace } from '../support/memory-workspace.ts';
import type { MemoryWorkspace } from '../support/memory-workspace.ts';
import { verifiedRelease } from '../support/verified-release.ts';

const csv = Buffer.from('age,churned\n42,1\n');
type Smoke = NonNullable<CarriedManifest['smoke']>;

const smoke: Smoke = {
  command: 'python train.py --data ${{inputs.data}} --rounds ${{inputs.rounds}} --out ${{outputs.model}}',
  inputs: {
    data: { type: 'uri_file', file: 'churn.csv', layer: 0 },
    rounds: { type: 'literal', value: '10' },
  },
  outputs: { model: { type: 'uri_folder' } },
  timeoutSeconds: 600,
};

interface Setup {
  readonly workspace?: MemoryWorkspace;
  readonly smoke?: Smoke | null;
  readonly compute?: string | null;
  readonly registered?: boolean;
  readonly signal?: AbortSignal;
}

async function start(setup: Setup = {}) {
  const wanted = setup.smoke === undefined ? smoke : setup.smoke;
  const { verified, content } = await verifiedRelease({
    ...(wanted === null ? {} : { carried: { smoke: wanted } }),
    inputs: [csv],
  });
  const workspace = setup.workspace ?? memoryWorkspace();
  if (setup.registered !== false) workspace.putEnvironment(environmentOf(verified));
  const events: ProgressEvent[] = [];
  const clock = manualClock();
  const input: RunInput = {
    verified,
    workspace: {
      name: 'risk',
      id: workspace.id,
      compute: setup.compute === null ? undefined : (setup.compute ?? 'cpu-cluster'),
    },
  };
  const { environments, jobs, datastore } = workspace;
  const go = () =>
    run(input, {
      environments,
      jobs,
      datastore,
      content,
      clock,
      progress: (event) => events.push(event),
      signal: setup.signal,
    });
  const job = (attempt: number): string => smokeJobName('churn-train', verified.image.digest, attempt);
  return { workspace, events, clock, go, job, verified };
}

const refusal = (t: ExecutionContext, promise: Promise<unknown>): Promise<AmlpromoteError> =>
  t.throwsAsync(promise, { instanceOf: AmlpromoteError });

test('the smoke inputs of the release are uploaded, a job runs in the registered environment, its log is told', async (t) => {
  const { workspace, events, go, job, verified } = await start();
  const path = `amlpromote/smoke-inputs/${hexOf(sha256(csv))}/churn.csv`;
  workspace.files.set(`azureml/${job(1)}/model/model.json`, Buffer.from('{}'));
  const report = await go();
  t.deepEqual(workspace.files.get(path), csv);
  t.like(workspace.submitted[0], {
    name: `amlpromote-churn-train-${shortHex(verified.image.digest)}-1`,
    experiment: 'amlpromote-smoke-churn-train',
    environmentId: `${workspace.id}/environments/churn-train/versions/1.4.0`,
    compute: 'cpu-cluster',
    command: smoke.command,
    timeoutSeconds: 600,
  });
  t.deepEqual(workspace.submitted[0]?.inputs, {
    data: { type: 'uri_file', value: `azureml://datastores/default/paths/${path}` },
    rounds: { type: 'literal', value: '10' },
  });
  t.like(report, {
    environment: { id: `${workspace.id}/environments/churn-train/versions/1.4.0` },
    job: { id: `${workspace.id}/jobs/${job(1)}`, name: job(1), status: 'Completed', pickedUp: false },
    log: 'epoch 1\naccuracy=0.93',
    score: 'accuracy=0.93',
  });
  t.deepEqual(report.outputs, [
    {
      name: 'model',
      uri: `azureml://datastores/default/paths/azureml/${job(1)}/model/`,
      files: ['model.json'],
    },
  ]);
  t.deepEqual(
    events.flatMap((event) => (event.type === 'log' ? [event.line] : [])),
    ['epoch 1', 'accuracy=0.93'],
  );
  t.deepEqual(
    events.flatMap((event) => (event.type === 'effect' ? [event.effect] : [])),
    ['uploaded', 'submitted'],
  );
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  t.deepEqual(
    notes.map((note) => note.split(': ')[1]),
    ['Queued', 'Running', 'Completed'],
  );
});

test('each run is a new job', async (t) => {
  const { workspace, go, job } = await start();
  await go();
  const report = await go();
  t.is(report.job.name, job(2));
  t.is(workspace.submitted.length, 2);
});

test('threat 39: a job that a killed run left behind is waited for, not started twice', async (t) => {
  const first = await start();
  const { workspace, job } = first;
  const kill = new Error('kill -9');
  // Killed right after the job was submitted, and once more while it waits.
  workspace.fail('jobs.log', kill);
  await t.throwsAsync(first.go(), { is: kill });
  workspace.fail('jobs.read', kill);
  const second = await start({ workspace });
  await t.throwsAsync(second.go(), { is: kill });
  const third = await start({ workspace });
  const report = await third.go();
  t.is(report.job.name, job(1));
  t.true(report.job.pickedUp);
  t.is(workspace.submitted.length, 1);
  t.is(report.log, 'epoch 1\naccuracy=0.93');
});

test('a running job of other work is left alone', async (t) => {
  const { workspace, go } = await start();
  workspace.script([{ phase: 'Running' }, { phase: 'Running' }]);
  const other = await start({ workspace, smoke: { ...smoke, command: 'python other.py' } });
  workspace.fail('jobs.log', new Error('kill -9'));
  await t.throwsAsync(other.go());
  workspace.script([{ phase: 'Completed' }]);
  const report = await go();
  t.false(report.job.pickedUp);
  t.is(workspace.submitted.length, 2);
});

test('a listing that lags does not bring an old job back', async (t) => {
  const { workspace, go, job } = await start();
  await go();
  const blind: MemoryWorkspace = { ...workspace, jobs: { ...workspace.jobs, list: async () => [] } };
  const report = await (await start({ workspace: blind })).go();
  t.is(report.job.name, job(2));
  t.false(report.job.pickedUp);
});

test('threat 38: a name that somebody else takes in the same moment is left to him', async (t) => {
  const { workspace, go, job } = await start();
  workspace.fail(
    'jobs.submit',
    new AmlpromoteError('VERSION_CONFLICT', 'a job with this name already exists'),
  );
  const report = await go();
  t.is(report.job.name, job(2));
});

test('an input can be the output of the last completed smoke job of another environment', async (t) => {
  const { workspace } = await start();
  const submit = (name: string) =>
    workspace.jobs.submit({
      name,
      experiment: experimentOf('base-model'),
      environmentId: `${workspace.id}/environments/base-model/versions/1`,
      compute: 'cpu-cluster',
      command: 'x',
      inputs: {},
      outputs: { model: { type: 'uri_folder' } },
      timeoutSeconds: 60,
      tags: {},
    });
  for (const [name, end] of [
    ['base-1', 'Completed'],
    ['base-2', 'Completed'],
    ['base-3', 'Failed'],
  ] as const) {
    workspace.script([{ phase: end }]);
    await submit(name);
  }
  workspace.script([{ phase: 'Completed' }]);
  const needs = {
    ...smoke,
    inputs: { model: { type: 'uri_folder', job: 'base-model', output: 'model' } },
  } as const;
  const scoring = await start({ workspace, smoke: needs });
  await scoring.go();
  t.deepEqual(workspace.submitted.at(-1)?.inputs, {
    model: { type: 'uri_folder', value: 'azureml://datastores/default/paths/azureml/base-2/model/' },
  });

  const wrong = {
    ...smoke,
    inputs: { model: { type: 'uri_folder', job: 'base-model', output: 'nope' } },
  } as const;
  const missing = await refusal(t, (await start({ workspace, smoke: wrong })).go());
  t.is(missing.code, 'NOT_FOUND');
  t.regex(missing.message, /base-2.*no output nope \(it has: model\)/);
});

test('no completed smoke job to take an output from: NOT_FOUND, with what to do', async (t) => {
  const needs = {
    ...smoke,
    inputs: { model: { type: 'uri_folder', job: 'base-model', output: 'model' } },
  } as const;
  const { workspace, go } = await start({ smoke: needs });
  const error = await refusal(t, go());
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.nextSteps.join(' '), /Promote base-model/);
  t.is(workspace.submitted.length, 0);
});

test('a failed job is JOB_FAILED, with the reason and the end of its log', async (t) => {
  const { workspace, go } = await start();
  const lines = Array.from({ length: 30 }, (_, index) => `line ${String(index)}`).join('\n');
  workspace.script([
    { phase: 'Running', log: `${lines}\n` },
    { phase: 'Failed', log: 'ValueError: no such column', error: 'UserError: exit code 1' },
  ]);
  const error = await refusal(t, go());
  t.is(error.code, 'JOB_FAILED');
  t.is(error.exitCode, 10);
  t.regex(error.message, /ended as Failed: UserError: exit code 1/);
  t.regex(error.message, /ValueError: no such column$/);
  t.false(error.message.includes('line 10\n'));
});

test('an image that cannot be pulled points at AcrPull', async (t) => {
  const { workspace, go } = await start();
  workspace.script([{ phase: 'Failed', error: 'UserError: FailedPullingImage: unauthorized' }]);
  const error = await refusal(t, go());
  t.is(error.code, 'JOB_FAILED');
  t.regex(error.nextSteps.join(' '), /AcrPull/);
});

test('a canceled job is JOB_FAILED', async (t) => {
  const { workspace, go } = await start();
  workspace.script([{ phase: 'Running' }, { phase: 'Canceled' }]);
  const error = await refusal(t, go());
  t.is(error.code, 'JOB_FAILED');
  t.regex(error.message, /Canceled/);
});

test('a log that may not be read changes no verdict', async (t) => {
  for (const end of ['Completed', 'Failed'] as const) {
    const { workspace, events, go } = await start();
    workspace.hideLogs();
    workspace.script([{ phase: 'Running' }, { phase: end }]);
    if (end === 'Completed') {
      const report = await go();
      t.is(report.log, undefined);
      t.is(report.score, undefined);
    } else t.is((await refusal(t, go())).code, 'JOB_FAILED');
    t.true(events.some((event) => event.type === 'note' && event.message.includes('cannot be read')));
  }
});

test('a job that never ends is TIMEOUT at the deadline; running again picks it up', async (t) => {
  const { workspace, clock, go, job } = await start();
  workspace.script([{ phase: 'Queued' }]);
  const error = await refusal(t, go());
  t.is(error.code, 'TIMEOUT');
  t.is(error.exitCode, 20);
  t.regex(error.message, /still Queued after 2400 s/);
  t.regex(error.nextSteps.join(' '), /Run again.*quota/);
  t.is(
    clock.slept.reduce((sum, nap) => sum + nap, 0),
    2_400_000,
  );
  t.is(workspace.submitted.length, 1);
  t.is((await workspace.jobs.list('amlpromote-smoke-churn-train'))[0]?.name, job(1));
});

test('a few bad looks in a row are borne, more are told', async (t) => {
  const blip = new AmlpromoteError('UNREACHABLE', 'management.azure.com cannot be reached');
  const patient = await start();
  let looks = 0;
  patient.workspace.before((operation) => {
    looks += operation === 'jobs.read' ? 1 : 0;
    if (operation === 'jobs.read' && looks >= 2 && looks <= 5) throw blip;
  });
  t.is((await patient.go()).job.status, 'Completed');

  const cut = await start();
  let reads = 0;
  cut.workspace.before((operation) => {
    reads += operation === 'jobs.read' ? 1 : 0;
    if (operation === 'jobs.read' && reads >= 2) throw blip;
  });
  t.is((await refusal(t, cut.go())).code, 'UNREACHABLE');
});

test('an environment that is not registered, or with another image, does not run', async (t) => {
  const unregistered = await start({ registered: false });
  const error = await refusal(t, unregistered.go());
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.nextSteps.join(' '), /register/);

  const other = await start({ registered: false });
  other.workspace.putEnvironment({
    ...environmentOf(other.verified),
    image: 'contososec.azurecr.io/x:latest',
  });
  t.is((await refusal(t, other.go())).code, 'VERSION_CONFLICT');
  t.is(other.workspace.submitted.length, 0);
});

test('without a smoke section or a compute: USAGE, before anything is called', async (t) => {
  for (const setup of [{ smoke: null }, { compute: null }]) {
    const { workspace, go } = await start(setup);
    t.is((await refusal(t, go())).code, 'USAGE');
    t.deepEqual(workspace.calls, []);
  }
});

test('interrupted: the job goes on, the next run picks it up', async (t) => {
  const controller = new AbortController();
  const { workspace, go } = await start({ signal: controller.signal });
  workspace.before((operation) => {
    if (operation === 'jobs.log') controller.abort(new AmlpromoteError('INTERRUPTED', 'interrupted'));
  });
  t.is((await refusal(t, go())).code, 'INTERRUPTED');
  t.true((await (await start({ workspace })).go()).job.pickedUp);
});

test('names stay within the grammar of the service, whatever the environment is called', (t) => {
  const digest = sha256('x');
  for (const name of ['a', 'churn-train', 'n'.repeat(255)]) {
    t.true(experimentOf(name).length <= 255);
    const job = smokeJobName(name, digest, 12);
    t.regex(job, /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/);
    t.is(attemptOf(job, name, digest), 12);
    t.is(attemptOf(job, 'other', digest), undefined);
  }
  t.not(experimentOf('n'.repeat(254)), experimentOf('n'.repeat(255)));
  t.is(attemptOf('amlpromote-a-other', 'a', digest), undefined);
});
