import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { hexOf, shortHex } from '../../src/domain/digest.ts';
import { environmentOf } from '../../src/steps/register/environment.ts';
import { experimentOf, newNonce, smokeJobName } from '../../src/steps/run/names.ts';
import { csv, refusal, smoke, start } from '../support/smoke-run.ts';

test('the smoke inputs of the release are uploaded, a job runs in the registered environment, its log is told', async (t) => {
  const { workspace, events, go, job, verified } = await start();
  const path = `amlpromote/smoke-inputs/${hexOf(sha256(csv))}/churn.csv`;
  workspace.before((operation, subject) => {
    if (operation === 'jobs.submit')
      workspace.files.set(`azureml/${subject}/model/model.json`, Buffer.from('{}'));
  });
  const report = await go();
  t.deepEqual(workspace.files.get(path), csv);
  t.like(workspace.submitted[0], {
    experiment: 'amlpromote-smoke-churn-train',
    environmentId: `${workspace.id}/environments/churn-train/versions/1.4.0`,
    compute: 'cpu-cluster',
    command: smoke.command,
    timeoutSeconds: 600,
  });
  t.regex(job(1), new RegExp(`^amlpromote-churn-train-${shortHex(verified.image.digest)}-[0-9a-f]{32}$`));
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
    ['uploaded', 'recorded', 'submitted', 'recorded'],
  );
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  t.deepEqual(
    notes.map((note) => note.split(': ')[1]),
    ['Queued', 'Running', 'Completed'],
  );
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
  const { workspace, records, clock, go, job } = await start();
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
  workspace.script([{ phase: 'Completed' }]);
  const again = await refusal(t, (await start({ workspace, records })).go());
  t.true(again.message.includes(job(1)));
  t.is(workspace.submitted.length, 1);
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
  const { workspace, records, go } = await start({ signal: controller.signal });
  workspace.before((operation) => {
    if (operation === 'jobs.log') controller.abort(new AmlpromoteError('INTERRUPTED', 'interrupted'));
  });
  t.is((await refusal(t, go())).code, 'INTERRUPTED');
  t.true((await (await start({ workspace, records })).go()).job.pickedUp);
});

test('names stay within the grammar of the service, whatever the environment is called', (t) => {
  const digest = sha256('x');
  for (const name of ['a', 'churn-train', 'n'.repeat(198), 'n'.repeat(199), 'n'.repeat(255)]) {
    t.true(experimentOf(name).length <= 255);
    const nonce = newNonce();
    const job = smokeJobName(name, digest, nonce);
    t.regex(job, /^amlpromote-[a-zA-Z0-9_-]+-[0-9a-f]{12}-[0-9a-f]{32}$/);
    t.true(job.length <= 255, String(job.length));
    t.true(job.endsWith(`-${shortHex(digest)}-${nonce}`));
  }
  t.not(experimentOf('n'.repeat(254)), experimentOf('n'.repeat(255)));
  const long = (name: string): string => smokeJobName(name, digest, '0'.repeat(32));
  t.not(long('n'.repeat(254)), long('n'.repeat(255)));
  t.is(new Set(Array.from({ length: 1000 }, newNonce)).size, 1000);
});
