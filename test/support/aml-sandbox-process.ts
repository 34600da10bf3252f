import { startSandbox } from '../../sandbox/index.ts';
import { workspace } from '../../sandbox/topology.ts';
import { pushShellImage } from './shell-image.ts';

/** A process to be killed: `node … DIR ENGINE_HOST` starts a sandbox there and lets it run the job `sleeper`. */
const [dir = '', engineHost] = process.argv.slice(2);
const { context } = await startSandbox({ dir, engineHost });
const { compute } = context;
const { environments, jobs } = context.workspace;
const digest = await pushShellImage(context, 'ml/tiny');
const at = new Date().toISOString();
const common = {
  tags: {},
  properties: {},
  isArchived: false,
  system: { createdAt: at, createdBy: 'test', createdByType: 'Application' as const, lastModifiedAt: at },
};
environments.putVersion({
  ...common,
  name: 'tiny',
  version: '1',
  definition: {
    image: `contososec.azurecr.io/ml/tiny@${digest}`,
    condaFile: '',
    osType: 'Linux',
    isAnonymous: false,
  },
});
jobs.put({
  ...common,
  name: 'sleeper',
  displayName: 'sleeper',
  status: 'Starting',
  definition: {
    command: 'sleep 600',
    environmentId: `${workspace.id}/environments/tiny/versions/1`,
    computeId: workspace.compute.id,
    experimentName: 'test',
    identity: null,
    inputs: {},
    outputs: {},
    environmentVariables: {},
    instanceCount: 1,
    shmSize: '2g',
  },
});
compute.submit('sleeper');
