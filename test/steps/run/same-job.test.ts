import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { Job, JobDefinition } from '../../../src/ports/workspace.ts';
import { jobDifferences, requireSameJob } from '../../../src/steps/run/same-job.ts';

const workspace =
  '/subscriptions/00000000-0000-4000-8000-000000005ec0/resourceGroups/rg-contoso-sec/providers/Microsoft.MachineLearningServices/workspaces/ml-risk';
const name = `amlpromote-churn-train-${'a'.repeat(12)}-${'b'.repeat(32)}`;
const place = (path: string): string => `azureml://datastores/workspaceblobstore/paths/${path}`;
const long = (path: string, group = 'rg-contoso-sec'): string =>
  `azureml://subscriptions/00000000-0000-4000-8000-000000005ec0/resourcegroups/${group}/workspaces/ml-risk/datastores/workspaceblobstore/paths/${path}`;
const environmentId = `${workspace}/environments/churn-train/versions/1.4.0`;

const definition: JobDefinition = {
  name,
  experiment: 'amlpromote-smoke-churn-train',
  environmentId,
  compute: 'cpu-cluster',
  command: 'python train.py --data ${{inputs.data}} --rounds ${{inputs.rounds}} --out ${{outputs.model}}',
  inputs: {
    data: { type: 'uri_file', value: place('smoke/churn.csv') },
    rounds: { type: 'literal', value: '10' },
  },
  outputs: { model: { type: 'uri_folder', uri: place(`azureml/${name}/model/`) } },
  timeoutSeconds: 600,
};

const data = {
  jobInputType: 'uri_file',
  uri: place('smoke/churn.csv'),
  mode: 'ReadOnlyMount',
  description: null,
};
const rounds = { jobInputType: 'literal', value: '10', description: null };
const model = {
  jobOutputType: 'uri_folder',
  uri: place(`azureml/${name}/model/`),
  mode: 'ReadWriteMount',
  description: null,
};
const byDefault = {
  description: null,
  uri: `azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.${name}`,
  mode: 'ReadWriteMount',
  jobOutputType: 'uri_folder',
};

/** As the service shows a command job: what we sent, and what it adds to every job. */
const ours = {
  description: null,
  tags: { amlpromote: '1', _aml_system_ComputeTargetStatus: '{}' },
  properties: { '_azureml.ComputeTargetType': 'amlctrain', '_azureml.ClusterName': 'cpu-cluster' },
  displayName: name,
  status: 'Completed',
  experimentName: definition.experiment,
  services: {
    Tracking: {
      jobServiceType: 'Tracking',
      port: null,
      endpoint: 'azureml://westeurope.api.azureml.ms/mlflow/v1.0/x?',
      status: null,
      errorMessage: null,
      properties: null,
    },
    Studio: { jobServiceType: 'Studio', endpoint: `https://ml.azure.com/runs/${name}` },
  },
  computeId: `${workspace}/computes/cpu-cluster`,
  isArchived: false,
  identity: { identityType: 'Managed' },
  componentId: null,
  jobType: 'Command',
  resources: { instanceCount: 1, instanceType: null, properties: null, shmSize: '2g', dockerArgs: null },
  codeId: null,
  command: definition.command,
  environmentId,
  inputs: { data, rounds },
  outputs: { model, default: byDefault },
  distribution: null,
  limits: { jobLimitsType: 'Command', timeout: 'PT10M' },
  queueSettings: { jobTier: 'Null' },
  environmentVariables: {},
  parameters: {},
};

const job = (
  changes: Readonly<Record<string, unknown>> = {},
  envelope: Readonly<Record<string, unknown>> = {},
): Job => ({
  name,
  id: `${workspace}/jobs/${name}`,
  raw: {
    id: `${workspace}/jobs/${name}`,
    name,
    type: 'Microsoft.MachineLearningServices/workspaces/jobs',
    properties: { ...ours, ...changes },
    systemData: { createdBy: 'inside-promoter' },
    ...envelope,
  },
  status: 'Completed',
  phase: 'Completed',
  environmentId,
  tags: {},
  outputs: {},
});
const differ = (one: Job, wanted: JobDefinition = definition) =>
  jobDifferences(one, { definition: wanted, workspace });

const accepted = test.macro({
  exec: (t, changes: Readonly<Record<string, unknown>>) => {
    t.deepEqual(differ(job(changes)), []);
  },
  title: (name = '') => `the same: ${name}`,
});
const refused = test.macro({
  exec: (t, changes: Readonly<Record<string, unknown>>, told: string) => {
    const error = t.throws(() => requireSameJob(job(changes), { definition, workspace }), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'INTEGRITY_MISMATCH');
    t.true(error.message.includes(told), error.message);
  },
  title: (name = '') => `another: ${name}`,
});
const unsure = test.macro({
  exec: (t, changes: Readonly<Record<string, unknown>>) => {
    const error = t.throws(() => requireSameJob(job(changes), { definition, workspace }), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'INCONCLUSIVE');
    t.is(error.exitCode, 20);
    t.true(error.message.includes(`properties.${Object.keys(changes)[0]}`), error.message);
  },
  title: (name = '') => `could not check: ${name}`,
});

test('what we submitted, with what the service adds', accepted, {});
test('ids in another case, as ARM may answer', accepted, {
  environmentId: environmentId.replace('resourceGroups', 'resourcegroups').replace('ml-risk', 'ML-Risk'),
  computeId: ours.computeId.toUpperCase(),
});
test('the long form of a place in this workspace', accepted, {
  inputs: { data: { ...data, uri: long('smoke/churn.csv') }, rounds },
  outputs: { model: { ...model, uri: long(`azureml/${name}/model/`) } },
});
for (const timeout of ['PT600S', 'PT10M', 'P0DT0H10M', 'PT9M60S', 'PT600.0S'])
  test(`the same time as ${timeout}`, accepted, { limits: { jobLimitsType: 'Command', timeout } });
test('nothing where the service adds defaults', accepted, {
  resources: null,
  services: null,
  queueSettings: null,
  environmentVariables: null,
  isArchived: null,
});
test('settings that say nothing', accepted, {
  queueSettings: { jobTier: 'Standard' },
  notificationSetting: { emailOn: null, emails: [], webhooks: {} },
  distribution: {},
  resources: { instanceCount: 1, properties: {}, dockerArgs: '', dockerArgsList: [], shmSize: '2G' },
});
test("people's words, and what becomes of a job", accepted, {
  displayName: 'a nice one',
  description: 'x',
  tags: { 'amlpromote.image': 'forged' },
  properties: { anything: 'x' },
  isArchived: true,
  status: 'Running',
});

const inputs = (changes: object) => ({ inputs: { data: { ...data, ...changes }, rounds } });
const outputs = (changes: object) => ({ outputs: { model: { ...model, ...changes }, default: byDefault } });
const all: readonly [string, Readonly<Record<string, unknown>>, string][] = [
  ['another command', { command: 'true' }, 'properties.command is "true" (wanted: "python train.py'],
  ['a command with more', { command: `${definition.command} ; curl evil` }, 'properties.command'],
  ['another type', { jobType: 'Sweep' }, 'jobType'],
  ['another environment', { environmentId: environmentId.replace('churn-train', 'evil') }, 'environmentId'],
  ['another version', { environmentId: environmentId.replace('1.4.0', '1.4.1') }, 'environmentId'],
  [
    'an environment in another case',
    { environmentId: environmentId.replace('churn', 'Churn') },
    'environmentId',
  ],
  [
    'an environment of another workspace',
    { environmentId: environmentId.replace('ml-risk', 'ml-evil') },
    'environmentId',
  ],
  ['another compute', { computeId: `${workspace}/computes/gpu` }, 'computeId'],
  ['another experiment', { experimentName: 'other' }, 'experimentName'],
  ['another identity', { identity: { identityType: 'UserIdentity' } }, 'identity.identityType'],
  [
    'one identity of many',
    { identity: { identityType: 'Managed', clientId: 'x' } },
    'identity.clientId is "x" (wanted: nothing)',
  ],
  ['an input from elsewhere', inputs({ uri: place('evil.csv') }), 'inputs.data.uri'],
  ['an input of another workspace', inputs({ uri: long('smoke/churn.csv', 'rg-evil') }), 'inputs.data.uri'],
  ['an input that may be written', inputs({ mode: 'ReadWriteMount' }), 'inputs.data.mode'],
  ['an input of another type', inputs({ jobInputType: 'uri_folder' }), 'inputs.data.jobInputType'],
  ['an input with a path of its own', inputs({ pathOnCompute: '/app' }), 'inputs.data.pathOnCompute'],
  ['another literal', { inputs: { data, rounds: { ...rounds, value: '11' } } }, 'inputs.rounds.value'],
  ['one more input', { inputs: { data, rounds, extra: rounds } }, 'inputs.extra'],
  ['an output elsewhere', outputs({ uri: place('evil/') }), 'outputs.model.uri'],
  ['an output that registers a model', outputs({ assetName: 'churn' }), 'outputs.model.assetName'],
  ['an output of another type', outputs({ jobOutputType: 'mlflow_model' }), 'outputs.model.jobOutputType'],
  ['one more output', { outputs: { model, default: byDefault, more: model } }, 'outputs.more'],
  ['another time limit', { limits: { jobLimitsType: 'Command', timeout: 'PT11M' } }, 'limits.timeout'],
  ['another sort of limit', { limits: { jobLimitsType: 'Sweep', timeout: 'PT10M' } }, 'limits.jobLimitsType'],
  ['two nodes', { resources: { instanceCount: 2 } }, 'resources.instanceCount'],
  ['arguments for Docker', { resources: { dockerArgs: '--privileged' } }, 'resources.dockerArgs'],
  ['a list of them', { resources: { dockerArgsList: ['--privileged'] } }, 'resources.dockerArgsList'],
  ['another machine type', { resources: { instanceType: 'Standard_NC6' } }, 'resources.instanceType'],
  ['other resource settings', { resources: { properties: { x: {}, y: 1 } } }, 'resources.properties'],
  ['an unknown resource setting', { resources: { runtime: 'kata' } }, 'resources.runtime'],
  ['code from elsewhere', { codeId: `${workspace}/codes/x/versions/1` }, 'codeId'],
  ['a component', { componentId: `${workspace}/components/x/versions/1` }, 'componentId'],
  ['variables', { environmentVariables: { LD_PRELOAD: '/evil.so' } }, 'environmentVariables'],
  ['distribution', { distribution: { distributionType: 'Mpi' } }, 'distribution'],
  ['parameters', { parameters: { x: '1' } }, 'parameters'],
  ['another queue', { queueSettings: { jobTier: 'Spot' } }, 'queueSettings.jobTier'],
  [
    'a web hook',
    { notificationSetting: { webhooks: { x: { url: 'https://evil' } } } },
    'notificationSetting',
  ],
  ['a shell into the job', { services: { ssh: { jobServiceType: 'SSH' } } }, 'services.ssh'],
  ['a shell under a known name', { services: { Studio: { jobServiceType: 'SSH' } } }, 'services.Studio'],
  ['a parent', { parentJobName: 'pipeline' }, 'parentJobName'],
  [
    'a member that the specification does not have',
    { secretsConfiguration: { a: { uri: 'x' } } },
    'secretsConfig',
  ],
  ['a known member in another spelling', { Command: 'true' }, 'properties.Command'],
];
for (const [title, changes, told] of all) test(title, refused, changes, told);

for (const key of [
  'command',
  'environmentId',
  'computeId',
  'identity',
  'inputs',
  'outputs',
  'limits',
  'jobType',
])
  test(`${key} is not shown`, unsure, { [key]: null });
test('one of the inputs is not shown', unsure, { inputs: { data } });
test('the time limit is not shown', unsure, { limits: { jobLimitsType: 'Command' } });

test('what is shown and wrong outweighs what is not shown', (t) => {
  const error = t.throws(
    () => requireSameJob(job({ limits: null, command: 'true' }), { definition, workspace }),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'INTEGRITY_MISMATCH');
});

test('another: another name or id, and what stands beside the properties', (t) => {
  for (const envelope of [
    { name: 'x' },
    { id: `${workspace}/jobs/x` },
    { identity: {} },
    { Properties: ours },
  ])
    t.not(differ(job({}, envelope)).length, 0, JSON.stringify(envelope));
});

test('a job without inputs and outputs has none: the default output is not one', (t) => {
  const bare = { ...definition, inputs: {}, outputs: {} };
  for (const shown of [{}, null]) t.deepEqual(differ(job({ inputs: shown, outputs: shown }), bare), []);
  t.deepEqual(differ(job({ inputs: {}, outputs: { default: byDefault } }), bare), []);
  t.not(differ(job({ inputs: {}, outputs: { model } }), bare).length, 0);
  t.not(differ(job({ inputs: { data }, outputs: {} }), bare).length, 0);
});

test('where the service decides on the place of an output, the place must be shown', (t) => {
  const left = { ...definition, outputs: { model: { type: 'uri_folder' } } } as const;
  t.deepEqual(differ(job(), left), []);
  t.not(differ(job(outputs({ uri: null })), left).length, 0);
  t.not(differ(job(outputs({ uri: 'https://evil.example/' })), left).length, 0);
});

test('property: any member more, at any depth, is another job, unless it says nothing', (t) => {
  const depths: readonly ((more: object) => object)[] = [
    (more) => more,
    (more) => ({ identity: { ...ours.identity, ...more } }),
    (more) => ({ limits: { ...ours.limits, ...more } }),
    (more) => ({ resources: { ...ours.resources, ...more } }),
    (more) => ({ queueSettings: { ...ours.queueSettings, ...more } }),
    (more) => inputs(more),
    (more) => outputs(more),
    (more) => ({ inputs: { data, rounds, ...more } }),
    (more) => ({ outputs: { model, ...more } }),
    (more) => ({ services: { ...ours.services, ...more } }),
  ];
  const key = fc.string({ minLength: 1 }).map((text) => `x${text}`);
  const value = fc.jsonValue().filter((one) => one !== null);
  fc.assert(
    fc.property(key, value, fc.constantFrom(...depths), (more, what, at) => {
      const changes = at({ [more]: what }) as Record<string, unknown>;
      return (
        differ(job(changes)).length > 0 &&
        differ(job(at({ [more]: null }) as Record<string, unknown>)).length === 0
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('property: any other value of a member that decides is another job', (t) => {
  const deciding = [
    'command',
    'environmentId',
    'computeId',
    'jobType',
    'identity',
    'inputs',
    'outputs',
    'limits',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...deciding), fc.jsonValue(), (key, value) => {
      const same = JSON.stringify(value) === JSON.stringify(ours[key as keyof typeof ours]);
      return same || differ(job({ [key]: value })).length > 0;
    }),
    { numRuns: 300 },
  );
  t.pass();
});
