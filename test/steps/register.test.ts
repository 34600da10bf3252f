import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import { environmentOf } from '../../src/steps/register/environment.ts';
import { register } from '../../src/steps/register.ts';
import type { VerifiedRelease } from '../../src/steps/verify.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryWorkspace } from '../support/memory-workspace.ts';
import type { MemoryWorkspace } from '../support/memory-workspace.ts';
import { verifiedRelease } from '../support/verified-release.ts';

function start(verified: VerifiedRelease, workspace: MemoryWorkspace = memoryWorkspace()) {
  const events: ProgressEvent[] = [];
  const clock = manualClock();
  const go = () =>
    register(
      { verified, workspace: { name: 'risk', id: workspace.id } },
      { environments: workspace.environments, clock, progress: (event) => events.push(event) },
    );
  return { workspace, events, clock, go };
}

test('the image is registered by digest, with the release and the policy in tags and properties', async (t) => {
  const { verified } = await verifiedRelease({
    carried: {
      environment: {
        description: 'Gradient boosting training',
        tags: { team: 'churn', 'amlpromote.digest': 'forged' },
        uses: [],
      },
    },
  });
  const { workspace, events, go } = start(verified);
  const report = await go();
  const image = `contososec.azurecr.io/ml/churn-train@${verified.image.digest}`;
  t.deepEqual(report, {
    environment: {
      id: `${workspace.id}/environments/churn-train/versions/1.4.0`,
      name: 'churn-train',
      version: '1.4.0',
    },
    image,
    already: false,
    workspace: { name: 'risk', id: workspace.id },
    notes: [],
  });
  const there = await workspace.environments.read('churn-train', '1.4.0');
  t.is(there?.image, image);
  t.deepEqual(there?.tags, {
    team: 'churn',
    'amlpromote.digest': verified.image.digest,
    'amlpromote.release': 'churn-train 1.4.0 (7)',
    'amlpromote.policy': verified.policyDigest,
  });
  t.deepEqual(there?.properties, {
    'amlpromote.image.digest': verified.image.digest,
    'amlpromote.release.name': 'churn-train',
    'amlpromote.release.version': '1.4.0',
    'amlpromote.release.counter': '7',
    'amlpromote.release.index': verified.release.index.digest,
    'amlpromote.policy.digest': verified.policyDigest,
  });
  t.true(events.some((event) => event.type === 'effect' && event.effect === 'registered'));
});

test('again is already done, and writes nothing', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  await go();
  const report = await go();
  t.true(report.already);
  t.is(workspace.calls.filter((call) => call.startsWith('environments.create')).length, 1);
});

test('the version exists with another image: refused, and left as it is', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  const other = `contososec.azurecr.io/ml/churn-train@sha256:${'0'.repeat(64)}`;
  workspace.putEnvironment({ ...environmentOf(verified), image: other });
  const error = await t.throwsAsync(go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
  t.is(error.exitCode, 10);
  t.true(error.message.includes(other) && error.message.includes(verified.image.digest));
  t.false(workspace.calls.some((call) => call.startsWith('environments.create')));
});

test('the version exists as a build: refused', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  workspace.putEnvironment(environmentOf(verified), {
    image: null,
    build: { contextUri: 'https://stcontososec.blob.core.windows.net/x/', dockerfilePath: 'Dockerfile' },
  });
  const error = await t.throwsAsync(go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
});

test('threat 38: two register at once, same image: both are done', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  workspace.before((operation) => {
    if (operation === 'environments.create') workspace.putEnvironment(environmentOf(verified));
  });
  const report = await go();
  t.true(report.already);
});

test('threat 38: two register at once, other image: the slower one is refused', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  const other = `contososec.azurecr.io/ml/churn-train@sha256:${'0'.repeat(64)}`;
  workspace.before((operation) => {
    if (operation !== 'environments.create') return;
    workspace.putEnvironment({ ...environmentOf(verified), image: other });
  });
  const error = await t.throwsAsync(go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
  t.true(error.message.includes(other));
});

test('a service that takes the version but shows another image is not believed', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace } = start(verified);
  const lying: MemoryWorkspace = {
    ...workspace,
    environments: {
      ...workspace.environments,
      create: async (request) => {
        workspace.putEnvironment({ ...request, image: 'contososec.azurecr.io/ml/churn-train:latest' });
      },
    },
  };
  const error = await t.throwsAsync(start(verified, lying).go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
});

test('what is not visible at once is looked for again, then SERVICE_FAILED', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace } = start(verified);
  const blind: MemoryWorkspace = {
    ...workspace,
    environments: { read: async () => undefined, create: async () => {} },
  };
  const slow = start(verified, blind);
  const error = await t.throwsAsync(slow.go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'SERVICE_FAILED');
  t.deepEqual(slow.clock.slept, [500, 2000, 5000]);
});

test('a missing workspace stays NOT_FOUND', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  workspace.fail('environments.read', new AmlpromoteError('NOT_FOUND', 'there is no workspace'));
  const error = await t.throwsAsync(go(), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
});

test('an archived version is done, and said to be archived', async (t) => {
  const { verified } = await verifiedRelease();
  const { workspace, go } = start(verified);
  workspace.putEnvironment(environmentOf(verified), { isArchived: true });
  const report = await go();
  t.true(report.already);
  t.regex(report.notes.join(' '), /archived/);
});

test('uses are linted: advice in the report and as notes, never a verdict', async (t) => {
  const { verified } = await verifiedRelease({
    carried: {
      environment: { tags: {}, uses: ['batch-training', 'batch-inference', 'online', 'dancing'] },
      smoke: {
        command: 'python train.py --data ${{ inputs.data }}',
        inputs: {
          data: { type: 'literal', value: 'x' },
          rounds: { type: 'literal', value: '3' },
        },
        outputs: {},
        timeoutSeconds: 60,
      },
    },
  });
  const { events, go } = start(verified);
  const { notes } = await go();
  const all = notes.join('\n');
  t.regex(all, /batch-training: the smoke command does not use \$\{\{inputs\.rounds\}\}/);
  t.notRegex(all, /inputs\.data/);
  t.regex(all, /batch-training: the smoke job has no output/);
  t.regex(all, /batch-inference: the smoke job reads no uri_file/);
  t.regex(all, /azureml-dataset-runtime/);
  t.regex(all, /online: .*scoring routes/);
  t.regex(all, /dancing: is not a use that register knows/);
  t.is(events.filter((event) => event.type === 'note').length, notes.length);
});
