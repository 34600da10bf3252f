import type { ExecutionContext } from 'ava';
import { workspace } from '../../topology.ts';
import { mlClient, raw } from '../../../test/support/aml-clients.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { pushShellImage } from '../../../test/support/shell-image.ts';
import { engineTest } from '../../../test/support/engine.ts';
import { engineHost } from '../../../test/support/test-engine.ts';

const environmentId = `${workspace.id}/environments/tiny/versions/1`;

/** Runs one job in an image with this configuration. */
async function outcome(t: ExecutionContext, config: object, command: string) {
  t.timeout(60_000);
  const sandbox = await startAmlSandbox(t, { engineHost: engineHost ?? '' });
  const digest = await pushShellImage(sandbox.context, 'ml/tiny', '', { ...config });
  await mlClient(sandbox).environmentVersions.createOrUpdate(
    workspace.resourceGroup,
    workspace.name,
    'tiny',
    '1',
    { properties: { image: `contososec.azurecr.io/ml/tiny@${digest}` } },
  );
  await raw(sandbox, '/jobs/one', {
    method: 'PUT',
    body: {
      properties: { jobType: 'Command', environmentId, computeId: workspace.compute.id, command },
    },
  });
  await sandbox.context.compute.idle();
  const { status, error } = sandbox.context.workspace.jobs.get('one') ?? {};
  const { blobs } = sandbox.context.workspace;
  const log = blobs.get('azureml', 'ExperimentRun/dcid.one/user_logs/std_log.txt');
  const chunks: Buffer[] = [];
  if (log)
    for await (const chunk of await blobs.read('azureml', log, 0, log.size - 1)) chunks.push(chunk as Buffer);
  return { status, message: error?.message ?? '', log: Buffer.concat(chunks).toString() };
}

engineTest('an entrypoint that hands on runs first, and its work is there', async (t) => {
  const Entrypoint = ['/bin/bash', '-c', 'echo ready > /srv/mark; exec "$@"', 'entry'];
  const { status, log, message } = await outcome(
    t,
    { Entrypoint },
    'cat /srv/mark; [[ a == a ]] && echo bash',
  );
  t.is(status, 'Completed', message);
  t.is(log, 'ready\nbash\n');
});

for (const [title, config, expected] of [
  [
    'that ends',
    { Entrypoint: ['/bin/bash', '-c', 'echo no such mode >&2; exit 4'] },
    /status code 4.*no such mode/s,
  ],
  ['that ends well', { Entrypoint: ['/bin/bash', '-c', 'true'] }, /status code 0/],
  ['that ends while the command runs', { Entrypoint: ['/bin/bash', '-c', 'sleep 1'] }, /status code 0/],
  ['that is not there', { Entrypoint: ['/no/such/file'] }, /no such file/i],
] as const)
  engineTest(`an entrypoint ${title} is JobContainerConfigFailed`, async (t) => {
    const { status, message } = await outcome(t, config, 'echo started; sleep 20');
    t.is(status, 'Failed');
    t.regex(message, /JobContainerConfigFailed/);
    t.regex(message, expected);
    t.regex(message, /contososec\.azurecr\.io\/ml\/tiny/);
    t.notRegex(message, /127\.0\.0\.1/);
  });

engineTest('the command runs as the image says, root or not', async (t) => {
  const command = 'echo $UID; touch_() { : > /srv/made-here; }; touch_ && echo writable || echo denied';
  t.is((await outcome(t, {}, command)).log, '0\nwritable\n');
  t.regex((await outcome(t, { User: '1234' }, command)).log, /^1234$/m);
});
