import type { ExecutionContext } from 'ava';
import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { storage, workspace } from '../../topology.ts';
import { blobClient, mlClient, raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox, until } from '../../../test/support/aml-sandbox.ts';
import { pushShellImage } from '../../../test/support/shell-image.ts';
import { engineHost, engineTest } from '../../../test/support/test-engine.ts';

interface JobBody {
  readonly properties: {
    readonly status: string;
    readonly outputs: Record<string, { readonly uri: string }>;
  };
}
interface Details {
  readonly logFiles: Record<string, string>;
  readonly error: { readonly error: { readonly message: string } } | null;
}

const group = workspace.resourceGroup;
const environmentId = `${workspace.id}/environments/tiny/versions/1`;

async function start(t: ExecutionContext, workingDirectory = ''): Promise<AmlSandbox> {
  t.timeout(60_000);
  const sandbox = await startAmlSandbox(t, { engineHost: engineHost ?? '' });
  const digest = await pushShellImage(sandbox.context, 'ml/tiny', workingDirectory);
  const image = `contososec.azurecr.io/ml/tiny@${digest}`;
  await mlClient(sandbox).environmentVersions.createOrUpdate(group, workspace.name, 'tiny', '1', {
    properties: { image },
  });
  return sandbox;
}

const submit = (sandbox: AmlSandbox, name: string, properties: object) =>
  raw(sandbox, `/jobs/${name}`, {
    method: 'PUT',
    body: {
      properties: { jobType: 'Command', environmentId, computeId: workspace.compute.id, ...properties },
    },
  });

const statusOf = async (sandbox: AmlSandbox, name: string): Promise<string> =>
  ((await raw(sandbox, `/jobs/${name}`)).body as JobBody).properties.status;

/** As azure-ai-ml finds logs: the workspace's discovery URL, the run's details, then the signed URL without a token. */
async function details(sandbox: AmlSandbox, name: string): Promise<Details> {
  const found = (await raw(sandbox, '')).body as { properties: { discoveryUrl: string } };
  const urls = (await raw(sandbox, found.properties.discoveryUrl)).body as { history: string };
  const answer = await raw(sandbox, `${urls.history}/history/v1.0${workspace.id}/runs/${name}/details`);
  return answer.body as Details;
}

async function logOf(sandbox: AmlSandbox, name: string): Promise<string | undefined> {
  const url = (await details(sandbox, name)).logFiles['user_logs/std_log.txt'];
  if (url === undefined) return undefined;
  const request = createPipelineRequest({ url });
  const client = mlClient(sandbox);
  client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
  return (await client.sendRequest(request)).bodyAsText ?? undefined;
}

engineTest('a job with a file in, a folder out and a log', async (t) => {
  const sandbox = await start(t);
  const container = blobClient(sandbox).getContainerClient(workspace.datastore.container);
  await container.getBlockBlobClient('smoke/churn.csv').uploadData(Buffer.from('a,b\n1,2\n'));

  const put = await submit(sandbox, 'smoke-1', {
    experimentName: 'amlpromote-smoke',
    command:
      'echo hello from $AZUREML_RUN_ID; cat ${{inputs.data}} > ${{outputs.model}}/copy.csv; mkdir ${{outputs.model}}/deep; echo ${{inputs.rate}} > ${{outputs.model}}/deep/rate; echo oops >&2',
    inputs: {
      data: {
        jobInputType: 'uri_file',
        uri: `azureml://datastores/${workspace.datastore.name}/paths/smoke/churn.csv`,
      },
      rate: { jobInputType: 'literal', value: '0.1' },
    },
    outputs: { model: { jobOutputType: 'uri_folder' } },
    limits: { jobLimitsType: 'Command', timeout: 'PT1M' },
  });
  t.is(put.status, 201);
  t.is((put.body as JobBody).properties.status, 'Starting');
  await sandbox.context.compute.idle();

  t.is(await statusOf(sandbox, 'smoke-1'), 'Completed');
  // Two pipes: each keeps its order, but not among each other.
  t.deepEqual((await logOf(sandbox, 'smoke-1'))?.split('\n').sort(), ['', 'hello from smoke-1', 'oops']);
  const { uri } = ((await raw(sandbox, '/jobs/smoke-1')).body as JobBody).properties.outputs.model!;
  t.is(uri, 'azureml://datastores/workspaceblobstore/paths/azureml/smoke-1/model/');
  const names = [];
  for await (const blob of container.listBlobsFlat({ prefix: 'azureml/smoke-1/model/' }))
    names.push(blob.name);
  t.deepEqual(names, ['azureml/smoke-1/model/copy.csv', 'azureml/smoke-1/model/deep/rate']);
  t.is((await container.getBlobClient(names[0]!).downloadToBuffer()).toString(), 'a,b\n1,2\n');

  // The next job takes the first one's output as its folder.
  await submit(sandbox, 'smoke-2', {
    command: 'cat ${{inputs.model}}/deep/rate',
    inputs: { model: { jobInputType: 'uri_folder', uri } },
  });
  await sandbox.context.compute.idle();
  t.is(await logOf(sandbox, 'smoke-2'), '0.1\n');

  // Logs that may not be read change nothing else.
  sandbox.context.faults.add({
    host: storage.blobHost,
    path: 'std_log',
    action: { kind: 'status', status: 403 },
  });
  t.is(await logOf(sandbox, 'smoke-2').then((text) => text?.includes('A fault switch')), true);
  t.is(await statusOf(sandbox, 'smoke-2'), 'Completed');
});

engineTest('a command has no network, no capabilities and no way to its inputs', async (t) => {
  const sandbox = await start(t);
  const container = blobClient(sandbox).getContainerClient(workspace.datastore.container);
  await container.getBlockBlobClient('in/a').uploadData(Buffer.from('a'));
  await submit(sandbox, 'sealed', {
    command:
      'cat /proc/self/status; for i in /sys/class/net/*; do echo net ${i##*/}; done; echo spoilt > ${{inputs.data}} || echo input is read-only; ln -s /etc/passwd ${{outputs.out}}/link; echo kept > ${{outputs.out}}/file',
    inputs: {
      data: { jobInputType: 'uri_file', uri: 'azureml://datastores/workspaceblobstore/paths/in/a' },
    },
    outputs: { out: { jobOutputType: 'uri_folder' } },
  });
  await sandbox.context.compute.idle();
  const log = (await logOf(sandbox, 'sealed')) ?? '';
  t.regex(log, /CapEff:\s+0{16}/);
  t.regex(log, /CapBnd:\s+0{16}/);
  t.regex(log, /NoNewPrivs:\s+1/);
  t.deepEqual(log.match(/^net .*/gm), ['net lo']);
  t.regex(log, /^input is read-only$/m);
  const names = [];
  for await (const blob of container.listBlobsFlat({ prefix: 'azureml/sealed/' })) names.push(blob.name);
  t.deepEqual(names, ['azureml/sealed/out/file'], 'a link is not followed out of the output');
});

engineTest('a command that fails ends as Failed, with the end of its log', async (t) => {
  const sandbox = await start(t, '/app');
  await submit(sandbox, 'bad', { command: 'echo it broke >&2; exit 3' });
  await sandbox.context.compute.idle();
  t.is(await statusOf(sandbox, 'bad'), 'Failed');
  const { error } = await details(sandbox, 'bad');
  t.regex(error!.error.message, /exited with status code 3\..*it broke/);
  t.regex(error!.error.message, /not in the image's WORKDIR \/app/);
});

engineTest('the log grows while the job runs, and a cancel ends it', async (t) => {
  const sandbox = await start(t);
  await submit(sandbox, 'long', { command: 'echo started; sleep 600' });
  await until(async () => ((await logOf(sandbox, 'long'))?.includes('started') ? true : undefined));
  t.is(await statusOf(sandbox, 'long'), 'Running');
  await mlClient(sandbox).jobs.beginCancelAndWait(group, workspace.name, 'long', {
    updateIntervalInMs: 10,
  });
  t.is(await statusOf(sandbox, 'long'), 'Canceled');
});

engineTest('a job that takes longer than its limit is canceled', async (t) => {
  const sandbox = await start(t);
  await submit(sandbox, 'slow', {
    command: 'sleep 600',
    limits: { jobLimitsType: 'Command', timeout: 'PT1S' },
  });
  await sandbox.context.compute.idle();
  t.is(await statusOf(sandbox, 'slow'), 'Canceled');
  t.regex((await details(sandbox, 'slow')).error!.error.message, /longer than its limit of PT1S/);
});

engineTest('a digest that the registry does not have cannot be pulled', async (t) => {
  const sandbox = await start(t);
  const image = `contososec.azurecr.io/ml/tiny@sha256:${'0'.repeat(64)}`;
  await raw(sandbox, '/environments/gone/versions/1', { method: 'PUT', body: { properties: { image } } });
  await submit(sandbox, 'gone', { command: 'true', environmentId: environmentId.replace('tiny', 'gone') });
  await sandbox.context.compute.idle();
  const { message } = (await details(sandbox, 'gone')).error!.error;
  t.regex(message, /FailedPullingImage: Unable to pull docker image/);
  t.true(message.includes(`imageName: ${image}`));
  t.false(message.includes('127.0.0.1'));
});
