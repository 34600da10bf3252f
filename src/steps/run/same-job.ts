import { sameArmId } from '../../domain/arm-id.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { JobInput, JobOutput } from '../../domain/job.ts';
import type { Job, JobDefinition } from '../../ports/workspace.ts';
import type { Difference, Rule, Rules } from '../raw/compare.ts';
import {
  anyObject,
  anyText,
  differences,
  has,
  is,
  isEmpty,
  mayBe,
  mayHave,
  nothing,
  oneWord,
  tellDifferences,
} from '../raw/compare.ts';
import { secondsOf, sameDatastoreUri } from './job-values.ts';

/** What a job must be to be ours. */
export interface WantedJob {
  readonly definition: JobDefinition;
  /** ARM id of the workspace. */
  readonly workspace: string;
}

/**
 * Everything of a command job's raw body is in this table or a difference (Azure/azure-rest-api-specs, MachineLearningServices
 * 2024-10-01, CommandJob and JobBaseProperties; bodies that the service has sent, as quoted in public documentation and threads).
 */
const rulesFor = ({ definition, workspace }: WantedJob): Rules => ({
  id: is(`${workspace}/jobs/${definition.name}`, isId(`${workspace}/jobs/${definition.name}`)),
  name: is(definition.name),
  type: anyText,
  systemData: anyObject,
  properties: has({
    jobType: is('Command'),
    command: is(definition.command),
    environmentId: is(definition.environmentId, isAssetId(definition.environmentId)),
    computeId: is(
      `${workspace}/computes/${definition.compute}`,
      isId(`${workspace}/computes/${definition.compute}`),
    ),
    experimentName: is(definition.experiment),
    identity: has({
      identityType: is('Managed'),
      clientId: nothing,
      objectId: nothing,
      resourceId: nothing,
    }),
    inputs: mapOf(definition.inputs, (input) => inputRules(input, workspace)),
    outputs: outputsRule(definition, workspace),
    limits: has({
      jobLimitsType: is('Command'),
      // The service may write the same time in another way: PT600S, PT10M.
      timeout: is(
        `PT${definition.timeoutSeconds}S`,
        (value) => typeof value === 'string' && secondsOf(value) === definition.timeoutSeconds,
      ),
    }),
    resources: mayHave({
      instanceCount: mayBe('1', (value) => value === 1),
      shmSize: mayBe('"2g"', oneWord('2g')),
      instanceType: mayBe('nothing', isEmpty),
      dockerArgs: mayBe('nothing', isEmpty),
      dockerArgsList: mayBe('nothing', isEmpty),
      properties: mayBe('nothing', isEmpty),
    }),
    // Code from elsewhere, other programs beside ours, other nodes, other variables: a smoke job has none of them.
    codeId: mayBe('nothing', isEmpty),
    componentId: mayBe('nothing', isEmpty),
    distribution: mayBe('nothing', isEmpty),
    environmentVariables: mayBe('nothing', isEmpty),
    parameters: mayBe('nothing', isEmpty),
    notificationSetting: mayBe('nothing', isEmpty),
    // "Null" is a word of the service.
    queueSettings: mayHave({ jobTier: mayBe('"Null" or "Standard"', oneWord('Null', 'Standard')) }),
    // Two links that the service adds to every job; any other service lets somebody into the running job.
    services: mayHave({ Tracking: service('Tracking'), Studio: service('Studio') }),
    // What becomes of it, and people's words.
    status: anyText,
    provisioningState: anyText,
    isArchived: mayBe('true or false', (value) => typeof value === 'boolean'),
    displayName: anyText,
    description: anyText,
    tags: anyObject,
    properties: anyObject,
  }),
});

const inputRules = (input: JobInput, workspace: string): Rules =>
  input.type === 'literal'
    ? { jobInputType: is('literal'), value: is(input.value), description: anyText }
    : {
        jobInputType: is(input.type),
        uri: is(input.value, isUri(input.value, workspace)),
        mode: is('ReadOnlyMount'),
        pathOnCompute: nothing,
        description: anyText,
      };

const outputRules = (output: JobOutput, workspace: string): Rules => ({
  jobOutputType: is(output.type),
  // Where the service decides, any place will do, but it must be shown.
  uri:
    output.uri === undefined
      ? is('azureml://…', (value) => typeof value === 'string' && value.startsWith('azureml://'))
      : is(output.uri, isUri(output.uri, workspace)),
  mode: is('ReadWriteMount'),
  // Registering what comes out would be another promotion, past this one.
  assetName: nothing,
  assetVersion: nothing,
  autoDeleteSetting: nothing,
  pathOnCompute: nothing,
  description: anyText,
});

/** `default` is the place of logs, which the service adds to every job and which no proof rests on. */
function outputsRule({ outputs }: JobDefinition, workspace: string): Rule {
  const rules = rulesOfMap(outputs, (output) => outputRules(output, workspace));
  return Object.keys(outputs).length === 0
    ? mayHave({ default: anyObject })
    : has(Object.hasOwn(outputs, 'default') ? rules : { ...rules, default: anyObject });
}

function mapOf<T>(map: Readonly<Record<string, T>>, rules: (entry: T) => Rules): Rule {
  return Object.keys(map).length === 0 ? mayHave({}) : has(rulesOfMap(map, rules));
}

const rulesOfMap = <T>(map: Readonly<Record<string, T>>, rules: (entry: T) => Rules): Rules =>
  Object.fromEntries(Object.entries(map).map(([name, entry]) => [name, has(rules(entry))]));

const service = (type: string): Rule =>
  mayHave({
    jobServiceType: mayBe(JSON.stringify(type), oneWord(type)),
    endpoint: anyText,
    status: anyText,
    errorMessage: anyText,
    port: nothing,
    nodes: nothing,
    properties: mayBe('nothing', isEmpty),
  });

const isId =
  (wanted: string) =>
  (value: unknown): boolean =>
    typeof value === 'string' && sameArmId(value, wanted);

/** ARM ignores case up to the workspace's name; names and versions of assets are another matter. */
const isAssetId =
  (wanted: string) =>
  (value: unknown): boolean =>
    typeof value === 'string' && sameArmId(value, wanted) && lastNames(value) === lastNames(wanted);

const lastNames = (id: string): string => {
  const segments = id.split('/');
  return [segments.at(-3), segments.at(-1)].join('/');
};

const isUri =
  (wanted: string, workspace: string) =>
  (value: unknown): boolean =>
    typeof value === 'string' && sameDatastoreUri(value, wanted, workspace);

/** How the job differs from the one that was submitted. */
export const jobDifferences = (job: Job, wanted: WantedJob): readonly Difference[] =>
  differences(job.raw, rulesFor(wanted));

/**
 * @throws INTEGRITY_MISMATCH (10) with every member that differs; INCONCLUSIVE (20) when the service does not show a member that
 * decides
 */
export function requireSameJob(job: Job, wanted: WantedJob): Job {
  const found = jobDifferences(job, wanted);
  const other = found.filter(({ there }) => there !== undefined);
  if (other.length > 0) {
    throw new AmlpromoteError(
      'INTEGRITY_MISMATCH',
      `job ${job.name} is not the one that was submitted: ${tellDifferences(other)}`,
      {
        nextSteps: [
          `Find out in the activity log of the workspace who wrote job ${job.name}, and cancel it if it still runs.`,
          'Run again: a new job is started. If the service itself always shows this, report it as a bug of amlpromote.',
        ],
      },
    );
  }
  if (found.length === 0) return job;
  throw new AmlpromoteError(
    'INCONCLUSIVE',
    `job ${job.name} cannot be compared with what was submitted: ${tellDifferences(found)}`,
    { nextSteps: ['Run again; if the problem persists, report it with the version of amlpromote.'] },
  );
}
