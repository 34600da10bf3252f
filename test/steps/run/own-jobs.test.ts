import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { memoryRecords } from '../../support/memory-workspace.ts';
import type { MemoryWorkspace } from '../../support/memory-workspace.ts';
import { refusal, smoke, start } from '../../support/smoke-run.ts';
import type { Smoke } from '../../support/smoke-run.ts';

const kill = new Error('kill -9');

/** A run that somebody else does on another machine, to its end or until the process is killed there. */
async function elsewhere(workspace: MemoryWorkspace): Promise<void> {
  workspace.fail('jobs.log', kill);
  await (await start({ workspace, records: memoryRecords() })).go().catch(() => undefined);
}

test('each run is a new job', async (t) => {
  const { workspace, go, job } = await start();
  const first = await go();
  const second = await go();
  t.is(first.job.name, job(1));
  t.is(second.job.name, job(2));
  t.not(job(1), job(2));
  t.false(second.job.pickedUp);
  t.is(workspace.submitted.length, 2);
});

test('a job is written down, with all that decides, before it is submitted', async (t) => {
  const { workspace, records, go, verified } = await start();
  let written = 0;
  workspace.before((operation, subject) => {
    if (operation !== 'jobs.submit') return;
    const record = records.all.get(subject);
    t.is(record?.state, 'submitted');
    t.like(record, {
      workspace: workspace.id.toLowerCase(),
      environment: { name: 'churn-train', version: '1.4.0' },
      image: verified.image.digest,
      release: verified.release.index.digest,
      job: { name: subject, id: `${workspace.id}/jobs/${subject}` },
      outputs: {},
    });
    t.like(record?.definition, { name: subject, command: smoke.command, compute: 'cpu-cluster' });
    t.deepEqual(record?.definition.outputs, {
      model: { type: 'uri_folder', uri: `azureml://datastores/default/paths/azureml/${subject}/model/` },
    });
    written += 1;
  });
  const { job } = await go();
  t.is(written, 1);
  t.like(records.all.get(job.name), {
    state: 'completed',
    outputs: { model: `azureml://datastores/default/paths/azureml/${job.name}/model/` },
  });
});

test('records that cannot be written: nothing is submitted', async (t) => {
  const { workspace, records, go } = await start();
  records.save = async () =>
    Promise.reject(new AmlpromoteError('FORBIDDEN', 'the state directory may not be used'));
  t.is((await refusal(t, go())).code, 'FORBIDDEN');
  t.deepEqual(workspace.submitted, []);
});

test('threat 39: killed between the record and the submission, the same job is submitted then', async (t) => {
  const first = await start();
  const { workspace, records, job } = first;
  workspace.fail('jobs.submit', kill);
  await t.throwsAsync(first.go(), { is: kill });
  const [name] = records.all.keys();
  const report = await (await start({ workspace, records })).go();
  t.is(report.job.name, name!);
  t.is(job(1), name!);
  t.false(report.job.pickedUp);
  t.is(workspace.submitted.length, 1);
});

test('threat 39: a job that a killed run left behind is waited for, not started twice', async (t) => {
  const first = await start();
  const { workspace, records, job } = first;
  // Killed right after the job was submitted, and once more while it waits.
  workspace.fail('jobs.read', kill);
  await t.throwsAsync(first.go(), { is: kill });
  workspace.fail('jobs.log', kill);
  await t.throwsAsync((await start({ workspace, records })).go(), { is: kill });
  const third = await start({ workspace, records });
  const report = await third.go();
  t.is(report.job.name, job(1));
  t.true(report.job.pickedUp);
  t.is(workspace.submitted.length, 1);
  t.is(report.log, 'epoch 1\naccuracy=0.93');
});

test('threat 39: killed after the job completed, its completion is what the next run reports', async (t) => {
  const { workspace, records, go, job } = await start();
  const whole = { ...records };
  records.save = async (record) => (record.state === 'completed' ? Promise.reject(kill) : whole.save(record));
  await t.throwsAsync(go(), { is: kill });
  const { events, go: again } = await start({ workspace, records: whole });
  const report = await again();
  t.like(report.job, { name: job(1), status: 'Completed', pickedUp: true });
  t.true(events.some((event) => event.type === 'note' && event.message.includes('has completed meanwhile')));
  t.is(records.all.get(job(1))?.state, 'completed');
  t.is(workspace.submitted.length, 1);
});

test("what a killed run left behind long ago is recorded and not reported as today's", async (t) => {
  const { workspace, records, go, job } = await start();
  const whole = { ...records };
  records.save = async (record) => (record.state === 'completed' ? Promise.reject(kill) : whole.save(record));
  await t.throwsAsync(go(), { is: kill });
  const later = await start({ workspace, records: whole });
  await later.clock.sleep(25 * 3_600_000);
  const report = await later.go();
  t.is(report.job.name, job(2));
  t.false(report.job.pickedUp);
  t.is(records.all.get(job(1))?.state, 'completed');
});

test('a record that cannot be closed hides no verdict', async (t) => {
  for (const [end, code] of [
    [[{ phase: 'Failed' }], 'JOB_FAILED'],
    [[{ phase: 'Completed' }], 'INTEGRITY_MISMATCH'],
  ] as const) {
    const { workspace, records, events, go } = await start();
    workspace.script(end);
    const whole = { ...records };
    const full = new AmlpromoteError('DISK_FULL', 'no space is left');
    records.save = async (record) => (record.state === 'closed' ? Promise.reject(full) : whole.save(record));
    workspace.before((operation, subject) => {
      if (operation === 'jobs.read' && code === 'INTEGRITY_MISMATCH')
        workspace.changeJob(subject, { command: 'true' });
    });
    t.is((await refusal(t, go())).code, code);
    t.true(events.some((event) => event.type === 'note' && event.message.includes('no space is left')));
  }
});

test('a job that was canceled after the run was killed is not taken: a new one starts', async (t) => {
  const { workspace, records, go, job } = await start();
  workspace.script([{ phase: 'Running' }, { phase: 'Canceled' }]);
  workspace.fail('jobs.log', kill);
  await t.throwsAsync(go(), { is: kill });
  workspace.script([{ phase: 'Completed' }]);
  const report = await (await start({ workspace, records })).go();
  t.is(report.job.name, job(2));
  t.is(records.all.get(job(1))?.state, 'closed');
});

test('a running job of other work is left alone', async (t) => {
  const { workspace, records, go } = await start();
  workspace.script([{ phase: 'Running' }, { phase: 'Running' }]);
  const other = await start({ workspace, records, smoke: { ...smoke, command: 'python other.py' } });
  workspace.fail('jobs.log', kill);
  await t.throwsAsync(other.go());
  workspace.script([{ phase: 'Completed' }]);
  const report = await go();
  t.false(report.job.pickedUp);
  t.is(workspace.submitted.length, 2);
});

test('the running job of another machine, with the same name but for the nonce and the same tags, is not waited for', async (t) => {
  const { workspace, go, job } = await start();
  workspace.script([{ phase: 'Running' }]);
  await elsewhere(workspace);
  t.is(workspace.submitted.length, 1);
  workspace.script([{ phase: 'Completed' }]);
  const report = await go();
  t.is(report.job.name, job(2));
  t.false(report.job.pickedUp);
});

test('a planted job with copied tags is neither waited for nor listed: nothing is asked but our own names', async (t) => {
  const { workspace, go, job } = await start();
  await elsewhere(workspace);
  const [theirs] = workspace.submitted;
  workspace.script([{ phase: 'Running' }]);
  await workspace.jobs.submit({ ...theirs!, name: 'amlpromote-churn-train-planted' });
  workspace.script([{ phase: 'Completed' }]);
  workspace.calls.length = 0;
  const report = await go();
  t.is(report.job.name, job(3));
  t.false(workspace.calls.some((call) => call.startsWith('jobs.list')));
  t.true(workspace.calls.filter((call) => call.startsWith('jobs.')).every((call) => call.includes(job(3))));
});

test('threat 38: a name that is there already and another job is left, and a new nonce is taken', async (t) => {
  const { workspace, records, go, job } = await start();
  workspace.fail(
    'jobs.submit',
    new AmlpromoteError('VERSION_CONFLICT', 'a job with this name already exists'),
  );
  const report = await go();
  t.is(report.job.name, job(1));
  t.deepEqual(
    [...records.all.values()].map(({ state }) => state),
    ['closed', 'completed'],
  );
});

test('names that are taken again and again end the run', async (t) => {
  const { workspace, go } = await start();
  workspace.fail('jobs.submit', new AmlpromoteError('VERSION_CONFLICT', 'exists'), 100);
  t.is((await refusal(t, go())).code, 'SERVICE_FAILED');
  t.is(workspace.calls.filter((call) => call.startsWith('jobs.submit')).length, 3);
});

test('a service that takes the job and shows another one is not believed: exit 10, and the next run starts anew', async (t) => {
  const { workspace, records, go, job } = await start();
  let changed = false;
  workspace.before((operation, subject) => {
    if (operation !== 'jobs.read' || changed) return;
    changed = true;
    workspace.changeJob(subject, { command: 'true' });
  });
  const error = await refusal(t, go());
  t.is(error.code, 'INTEGRITY_MISMATCH');
  t.is(error.exitCode, 10);
  t.true(error.message.includes('properties.command is "true"') && error.message.includes('python train.py'));
  t.is(records.all.get(job(1))?.state, 'closed');
  t.is((await (await start({ workspace, records })).go()).job.name, job(2));
});

test('a job that is another one by the time it has completed proves nothing', async (t) => {
  for (const changes of [
    { command: 'true' },
    { environmentVariables: { LD_PRELOAD: '/mnt/evil.so' } },
    { environmentId: '/subscriptions/x/environments/other/versions/1' },
  ]) {
    const { workspace, records, go } = await start();
    workspace.before((operation, subject) => {
      if (operation === 'jobs.log') workspace.changeJob(subject.split(' ')[0]!, changes);
    });
    const error = await refusal(t, go());
    t.is(error.code, 'INTEGRITY_MISMATCH');
    t.true(error.message.includes(Object.keys(changes)[0]!));
    t.deepEqual(
      [...records.all.values()].map(({ state }) => state),
      ['closed'],
    );
  }
});

test('what the service does not show cannot be compared: exit 20, and the job is not forgotten', async (t) => {
  const { workspace, records, go } = await start();
  workspace.before((operation, subject) => {
    if (operation === 'jobs.log') workspace.changeJob(subject, { identity: null });
  });
  const error = await refusal(t, go());
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /properties\.identity is not shown/);
  t.deepEqual(
    [...records.all.values()].map(({ state }) => state),
    ['submitted'],
  );
});

test('a record that cannot be used is said to be, and a new job starts', async (t) => {
  const { records, events, go } = await start();
  records.ignored.push('/state/runs/x.json: it belongs to another user');
  t.is((await go()).job.pickedUp, false);
  t.true(events.some((event) => event.type === 'note' && event.message.includes('belongs to another user')));
});

test('two runs at once on one machine share the job, or have one each; both end', async (t) => {
  const { workspace, records, go } = await start();
  const other = await start({ workspace, records });
  const [a, b] = await Promise.all([go(), other.go()]);
  t.is(a.job.status, 'Completed');
  t.is(b.job.status, 'Completed');
  t.is(new Set([a.job.name, b.job.name]).size, workspace.submitted.length);
});

/** Takes the output of the smoke job of its own kind: as good as that of another environment. */
const scoring = {
  ...smoke,
  inputs: { model: { type: 'uri_folder', job: 'churn-train', output: 'model' } },
} as Smoke;

test('an input is the output of the last smoke job that this machine saw complete', async (t) => {
  const { workspace, records, go, job } = await start();
  await go();
  await go();
  workspace.script([{ phase: 'Failed' }]);
  await refusal(t, go());
  workspace.script([{ phase: 'Completed' }]);
  await elsewhere(workspace);
  const score = await start({ workspace, records, smoke: scoring });
  await score.go();
  t.deepEqual(workspace.submitted.at(-1)?.inputs, {
    model: { type: 'uri_folder', value: `azureml://datastores/default/paths/azureml/${job(2)}/model/` },
  });
});

test('a completed job of another machine or person supplies nothing: NOT_FOUND, which says to run that job here', async (t) => {
  const { workspace, go } = await start();
  await go();
  const before = workspace.submitted.length;
  const { go: score, records } = await start({ workspace, records: memoryRecords(), smoke: scoring });
  const error = await refusal(t, score());
  t.is(error.code, 'NOT_FOUND');
  t.is(error.exitCode, 20);
  t.regex(error.message, /this machine has seen none complete/);
  t.regex(error.nextSteps.join(' '), /Run churn-train here first/);
  t.is(workspace.submitted.length, before);
  t.is(records.all.size, 0);
});

test('a run that has not completed, or of another workspace, supplies nothing', async (t) => {
  for (const change of [{ state: 'submitted' }, { state: 'closed' }, { workspace: '/other' }] as const) {
    const { workspace, records, go } = await start();
    await go();
    for (const [name, record] of records.all) records.all.set(name, { ...record, ...change });
    t.is((await refusal(t, (await start({ workspace, records, smoke: scoring })).go())).code, 'NOT_FOUND');
  }
});

test('the job of a record is read and compared again before its output is taken', async (t) => {
  for (const [changes, code] of [
    [{ command: 'curl evil' }, 'INTEGRITY_MISMATCH'],
    [{ codeId: '/codes/1' }, 'INTEGRITY_MISMATCH'],
  ] as const) {
    const { workspace, records, go, job } = await start();
    await go();
    workspace.changeJob(job(1), changes);
    const error = await refusal(t, (await start({ workspace, records, smoke: scoring })).go());
    t.is(error.code, code);
    t.is(workspace.submitted.length, 1);
  }
});

test('a record whose place is another now is refused', async (t) => {
  const { workspace, records, go, job } = await start();
  await go();
  const record = records.all.get(job(1))!;
  records.all.set(job(1), { ...record, outputs: { model: 'azureml://datastores/default/paths/evil/' } });
  t.is(
    (await refusal(t, (await start({ workspace, records, smoke: scoring })).go())).code,
    'INTEGRITY_MISMATCH',
  );
});

test('a job that is gone is passed over for an older one; where there is none, NOT_FOUND', async (t) => {
  const { workspace, records, go, job } = await start();
  await go();
  await go();
  workspace.removeJob(job(2));
  workspace.script([{ phase: 'Completed' }]);
  await (await start({ workspace, records, smoke: scoring })).go();
  t.regex(workspace.submitted.at(-1)!.inputs['model']!.value, new RegExp(job(1)));
  for (const name of records.all.keys()) workspace.removeJob(name);
  const error = await refusal(t, (await start({ workspace, records, smoke: scoring })).go());
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.message, /in the workspace any more/);
});

test('an output that the job does not have is named, with those that it has', async (t) => {
  const { workspace, records, go } = await start();
  await go();
  const wrong = {
    ...smoke,
    inputs: { model: { type: 'uri_folder', job: 'churn-train', output: 'nope' } },
  } as Smoke;
  const error = await refusal(t, (await start({ workspace, records, smoke: wrong })).go());
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.message, /no output nope \(it has: model\)/);
});
