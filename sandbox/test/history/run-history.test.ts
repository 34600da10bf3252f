import test from 'ava';
import type { ExecutionContext } from 'ava';
import { artifactContainer } from '../../aml/uris.ts';
import { workspace } from '../../topology.ts';
import { raw } from '../../../test/support/aml-clients.ts';
import type { AmlSandbox } from '../../../test/support/aml-sandbox.ts';
import { startAmlSandbox } from '../../../test/support/aml-sandbox.ts';

const url = (path: string, host: string = workspace.apiHost): string => `https://${host}${path}`;
const details = `/history/v1.0${workspace.id}/runs/smoke/details`;
const artifacts = `/artifact/v2.0${workspace.id}/artifacts`;

/** A job that failed for want of an engine, with a log put beside it. */
async function start(t: ExecutionContext): Promise<AmlSandbox> {
  const sandbox = await startAmlSandbox(t);
  const put = (path: string, properties: object) =>
    raw(sandbox, path, { method: 'PUT', body: { properties } });
  await put('/environments/churn/versions/1', {
    image: `contososec.azurecr.io/ml/churn@sha256:${'a'.repeat(64)}`,
  });
  await put('/jobs/smoke', {
    jobType: 'Command',
    command: 'true',
    environmentId: `${workspace.id}/environments/churn/versions/1`,
    computeId: workspace.compute.id,
  });
  await sandbox.context.compute.idle();
  sandbox.context.workspace.blobs.append(
    artifactContainer,
    'ExperimentRun/dcid.smoke/user_logs/std_log.txt',
    Buffer.from('hi'),
  );
  return sandbox;
}

test('the discovery URL of the workspace leads to its own hosts', async (t) => {
  const sandbox = await startAmlSandbox(t);
  for (const host of [workspace.apiHost, workspace.regionalHost]) {
    const { status, body } = await raw(sandbox, url('/discovery', host), { apiVersion: '' });
    t.is(status, 200);
    t.like(body, { history: `https://${workspace.apiHost}`, api: `https://${workspace.apiHost}` });
  }
});

test('details of a run: status, error, and its log files as signed URLs', async (t) => {
  const sandbox = await start(t);
  for (const path of [details, details.replace('/runs/', '/experiments/Default/runs/')]) {
    const { body } = await raw(sandbox, url(path));
    t.like(body, { runId: 'smoke', status: 'Failed', error: { error: { code: 'ServiceError' } } });
    const { logFiles } = body as { logFiles: Record<string, string> };
    t.deepEqual(Object.keys(logFiles), ['system_logs/lifecycler/lifecycler.log', 'user_logs/std_log.txt']);
    t.regex(
      logFiles['user_logs/std_log.txt'] ?? '',
      /^https:\/\/stcontososec\.blob\.core\.windows\.net\/azureml\/.*[?&]sig=/,
    );
  }
});

test('the run itself, by GET and by the batch call of azure-ai-ml', async (t) => {
  const sandbox = await start(t);
  t.like((await raw(sandbox, url(details.replace('/details', '')))).body, {
    runId: 'smoke',
    experimentName: 'Default',
  });
  const answer = await raw(sandbox, url(`/history/v1.0${workspace.id}/rundata`), {
    method: 'POST',
    body: { runId: 'smoke' },
  });
  t.like(answer.body, { runMetadata: { runId: 'smoke' } });
});

test('artifacts are listed and found by path', async (t) => {
  const sandbox = await start(t);
  const listed = await raw(
    sandbox,
    url(`${artifacts}/prefix/contentinfo/ExperimentRun/dcid.smoke?path=user_logs`),
  );
  t.like(listed.body, { value: [{ path: 'user_logs/std_log.txt' }] });
  const found = await raw(
    sandbox,
    url(`${artifacts}/contentinfo/ExperimentRun/dcid.smoke?path=user_logs/std_log.txt`),
  );
  t.like(found.body, { path: 'user_logs/std_log.txt', container: 'dcid.smoke' });
  const missing = await raw(sandbox, url(`${artifacts}/contentinfo/ExperimentRun/dcid.smoke?path=nope`));
  t.is(missing.status, 404);
});

test('no run 404, no role 403, not from outside 403', async (t) => {
  const sandbox = await start(t);
  t.is((await raw(sandbox, url(details.replace('smoke', 'nope')))).status, 404);
  t.is((await raw(sandbox, url(details), { identity: 'outside-promoter' })).status, 403);
  t.is((await raw(sandbox, url(details), { vantage: 'outside' })).status, 403);
  t.is((await raw(sandbox, url('/discovery'), { vantage: 'outside' })).status, 403);
});

test('a fault switch hides the logs', async (t) => {
  const sandbox = await start(t);
  sandbox.context.faults.add({
    host: 'api\\.azureml\\.ms$',
    path: '/details$',
    action: { kind: 'status', status: 404 },
  });
  t.is((await raw(sandbox, url(details))).status, 404);
  t.is((await raw(sandbox, '/jobs/smoke')).status, 200);
});
