import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { registries } from '../../sandbox/topology.ts';
import { pushShellImage } from '../support/shell-image.ts';
import { engineHost } from '../support/test-engine.ts';
import { programs, startForStrangers, stranger } from './strangers.ts';
import { needing } from '../support/tools.ts';

const script = path.join(import.meta.dirname, 'ml.py');

type Line = { readonly step: string; readonly result?: unknown; readonly error?: string };

async function steps(t: ExecutionContext, ...args: string[]): Promise<Record<string, unknown>> {
  const { sandbox, run } = await startForStrangers(t);
  const digest = await pushShellImage(sandbox.context, 'ml/tiny');
  const image = `${registries.sensitive.host}/ml/tiny@${digest}`;
  const { code, stdout } = await run('inside')(programs.python ?? '', script, image, ...args);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  t.deepEqual(
    lines.filter(({ error }) => error !== undefined),
    [],
  );
  t.is(code, 0);
  return Object.fromEntries(lines.map(({ step, result }) => [step, result]));
}

const common = {
  workspace: ['ml-risk', 'contososec', ['ml-risk']],
  computes_and_datastores: [
    ['cpu-cluster'],
    'amlcompute',
    'workspaceblobstore',
    ['workspaceartifactstore', 'workspaceblobstore'],
  ],
  environment: { image: true, latest: '1', listed: ['1'], archived: [] },
};

needing(stranger('python', true))('azure-ai-ml reads the workspace and registers environments', async (t) => {
  t.deepEqual(await steps(t, 'sample'), common);
});

needing(stranger('python'), { name: 'a Docker engine', isHere: engineHost !== undefined })(
  'azure-ai-ml: data, models, code, jobs',
  async (t) => {
    t.deepEqual(await steps(t), {
      ...common,
      data: { versions: ['1', '7', '2'], latest: '2', listed: ['churn', 'churn-folder'], archived: [] },
      model: { version: '1', files: ['weights.bin'], listed: ['1'], archived: [] },
      code: { same: true, uri: true },
      job: {
        status: 'Completed',
        streamed: true,
        named: ['named-outputs/model/copy.csv'],
        copied: true,
        all: [
          'artifacts/outputs/art.txt',
          'artifacts/system_logs/lifecycler/lifecycler.log',
          'artifacts/user_logs/std_log.txt',
          'named-outputs/model/copy.csv',
        ],
        tags: { kind: 'first', more: '1' },
        archived: true,
        listed: true,
      },
      job_with_local_folder_is_canceled: 'Canceled',
      job_that_fails: ['Failed', true, true],
    });
  },
);
