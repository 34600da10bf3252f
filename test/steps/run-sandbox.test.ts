import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createDatastore } from '../../src/adapters/aml/datastore.ts';
import { createEnvironments } from '../../src/adapters/aml/environments.ts';
import { createJobs } from '../../src/adapters/aml/jobs.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { openLog } from '../../sandbox/compute/log.ts';
import type { JobRecord } from '../../sandbox/aml/jobs.ts';
import { workspace } from '../../sandbox/topology.ts';
import { register } from '../../src/steps/register.ts';
import { run } from '../../src/steps/run.ts';
import { startAmlSandbox } from '../support/aml-sandbox.ts';
import { memoryRecords } from '../support/memory-workspace.ts';
import { manualClock } from '../support/manual-clock.ts';
import { verifiedRelease } from '../support/verified-release.ts';

/** One stage per nap of the waiting step. */
type Stage = Partial<JobRecord> & { readonly output?: string };

/** register and run with the real SDKs against the sandbox's workspace; the test plays the compute. */
async function start(t: ExecutionContext, stages: readonly Stage[]) {
  const sandbox = await startAmlSandbox(t);
  sandbox.context.faults.add({ method: 'PUT', path: '/jobs/', action: { kind: 'endless-operation' } });
  const { verified, content } = await verifiedRelease({
    carried: {
      smoke: {
        command: 'python train.py --data ${{inputs.data}} --out ${{outputs.model}}',
        inputs: { data: { type: 'uri_file', file: 'churn.csv', layer: 0 } },
        outputs: { model: { type: 'uri_folder' } },
        timeoutSeconds: 60,
      },
    },
    inputs: [Buffer.from('age,churned\n42,1\n')],
  });
  const options = {
    credential: sandbox.credential(),
    agent: sandbox.agent(),
    workspaceId: workspace.id,
    retry: { maxRetries: 1, retryDelayInMs: 1 },
  };
  const datastore = createDatastore(options);
  const clock = manualClock();
  const left = [...stages];
  const sleep: typeof clock.sleep = async (milliseconds, signal) => {
    const [job] = sandbox.context.workspace.jobs.all();
    const { output, ...change } = left.shift() ?? {};
    if (job && output !== undefined) {
      openLog(sandbox.context.workspace.blobs, job.name, sandbox.context.clock).output(Buffer.from(output));
    }
    if (job) sandbox.context.workspace.jobs.progress(job.name, change);
    await clock.sleep(milliseconds, signal);
  };
  const events: ProgressEvent[] = [];
  const common = {
    environments: createEnvironments(options),
    jobs: createJobs(options),
    datastore,
    records: memoryRecords(),
    content,
    clock: { now: () => clock.now(), sleep },
    progress: (event: ProgressEvent) => void events.push(event),
  };
  const place = { name: 'risk', id: workspace.id, compute: 'cpu-cluster' };
  return {
    sandbox,
    events,
    datastore,
    register: () => register({ verified, workspace: place }, common),
    run: () => run({ verified, workspace: place }, common),
  };
}

test('an image is registered, runs on data that crossed with it, and shows log and output', async (t) => {
  const { sandbox, events, datastore, register, run } = await start(t, [
    { status: 'Preparing' },
    { status: 'Running', output: 'epoch 1\n' },
    { status: 'Completed', output: 'accuracy=0.93\n' },
  ]);
  const first = await register();
  t.false(first.already);
  t.true((await register()).already);

  const job = await run();
  t.like(job, {
    environment: { id: first.environment.id },
    job: { status: 'Completed', pickedUp: false },
    log: 'epoch 1\naccuracy=0.93',
    score: 'accuracy=0.93',
  });
  const [model] = job.outputs;
  t.like(model, { name: 'model', files: [] });
  const input = sandbox.context.workspace.jobs.get(job.job.name)!.definition.inputs['data'];
  if (!input || !('uri' in input)) throw new TypeError('no input');
  t.deepEqual(
    (await datastore.readOutput(input.uri, 100))?.get('churn.csv'),
    Buffer.from('age,churned\n42,1\n'),
  );
  t.deepEqual(
    events.flatMap((event) => (event.type === 'log' ? [event.line] : [])),
    ['epoch 1', 'accuracy=0.93'],
  );
});

test('a job that fails is JOB_FAILED with the words of run history and of the program', async (t) => {
  const { register, run } = await start(t, [
    {
      status: 'Failed',
      output: 'ValueError: no such column\n',
      error: { code: 'UserError', message: 'the command ended with exit code 1' },
    },
  ]);
  await register();
  const error = await t.throwsAsync(run(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'JOB_FAILED');
  t.regex(error.message, /UserError: the command ended with exit code 1/);
  t.regex(error.message, /ValueError: no such column/);
});

test('without the right to see run history and storage the verdict is the same', async (t) => {
  const { sandbox, events, register, run } = await start(t, [{ status: 'Completed' }]);
  await register();
  sandbox.context.faults.add({ host: 'api\\.azureml\\.ms', action: { kind: 'status', status: 403 } });
  sandbox.context.faults.add({
    host: 'blob\\.core',
    method: 'GET',
    action: { kind: 'status', status: 403 },
  });
  const report = await run();
  t.is(report.job.status, 'Completed');
  t.is(report.log, undefined);
  t.true(events.some((event) => event.type === 'note' && event.message.includes('cannot be read')));
});
