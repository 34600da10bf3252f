import { workspace } from '../topology.ts';
import type { JsonObject } from './body.ts';
import { objectAt, objectMapAt, othersOf, requiredString, stringAt, stringMapAt } from './body.ts';
import { parseDuration } from './duration.ts';
import { badArgument } from './errors.ts';
import type { JobDefinition, JobInputDefinition, JobOutputDefinition } from './jobs.ts';
import { artifactUriOf, defaultOutputUri, placeOf } from './uris.ts';

/** What the workspace must hold for a job to be accepted. */
export interface JobSurroundings {
  hasEnvironment(name: string, version: string): boolean;
  hasCompute(name: string): boolean;
  hasCode(id: string): boolean;
  /** A path in a datastore, or a data asset of this workspace. */
  hasData(uri: string): boolean;
}

/** A command job's properties, checked as the service does when it is submitted. @throws 400 UserError */
export function jobDefinition(name: string, properties: JsonObject, around: JobSurroundings): JobDefinition {
  const jobType = requiredString(properties, 'jobType');
  if (jobType !== 'Command')
    throw badArgument(`The sandbox runs jobs of type Command only, not '${jobType}'.`);
  const codeId = stringAt(properties, 'codeId');
  if (codeId !== undefined && !around.hasCode(codeId))
    throw badArgument(`Code '${codeId}' does not exist in workspace ${workspace.name}.`);
  const command = requiredString(properties, 'command');
  const inputs = mapValues(objectMapAt(properties, 'inputs'), (input, key) =>
    inputDefinition(input, key, around),
  );
  const outputs = mapValues(declaredOutputs(name, properties), (output, key) =>
    outputDefinition(name, key, output),
  );
  requireReferences(command, inputs, outputs);
  const limits = objectAt(properties, 'limits');
  const timeout = stringAt(limits, 'timeout');
  if (timeout !== undefined && parseDuration(timeout) === undefined)
    throw badArgument(`The value '${timeout}' of limits.timeout is not an ISO 8601 duration.`);
  const resources = objectAt(properties, 'resources');
  return {
    command,
    ...(codeId === undefined ? {} : { codeId }),
    environmentId: environmentId(requiredString(properties, 'environmentId'), around),
    computeId: computeId(requiredString(properties, 'computeId'), around),
    experimentName: stringAt(properties, 'experimentName') ?? 'Default',
    identity: properties.identity ? objectAt(properties, 'identity') : null,
    inputs,
    outputs,
    environmentVariables: stringMapAt(properties, 'environmentVariables'),
    ...(timeout === undefined ? {} : { timeout }),
    instanceCount: instanceCount(resources),
    shmSize: stringAt(resources, 'shmSize') ?? '2g',
    ...optional('dockerArgs', stringAt(resources, 'dockerArgs')),
    ...optional('instanceType', stringAt(resources, 'instanceType')),
    ...optional('distribution', properties.distribution ? objectAt(properties, 'distribution') : undefined),
    ...optional('services', properties.services ? objectAt(properties, 'services') : undefined),
    ...optional('others', someOf(othersOf(properties, knownMembers))),
    ...optional(
      'queueSettings',
      properties.queueSettings ? objectAt(properties, 'queueSettings') : undefined,
    ),
  };
}

/** Members of the body's `properties`, read-only ones included. */
const knownMembers = [
  ...[
    'jobType',
    'codeId',
    'command',
    'inputs',
    'outputs',
    'limits',
    'resources',
    'environmentId',
    'computeId',
  ],
  ...['experimentName', 'identity', 'environmentVariables', 'distribution', 'queueSettings', 'services'],
  ...[
    'description',
    'tags',
    'properties',
    'displayName',
    'isArchived',
    'status',
    'parameters',
    'componentId',
  ],
];

const someOf = (object: JsonObject): JsonObject | undefined =>
  Object.keys(object).length === 0 ? undefined : object;

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

const mapValues = <A, B>(
  record: Readonly<Record<string, A>>,
  change: (value: A, key: string) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, requireKey(key))]));

function requireKey(key: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]{0,254}$/.test(key)) return key;
  throw badArgument(`'${key}' is not a valid name of an input or output.`);
}

function inputDefinition(input: JsonObject, key: string, around: JobSurroundings): JobInputDefinition {
  const type = requiredString(input, 'jobInputType');
  const description = stringAt(input, 'description');
  const common = description === undefined ? {} : { description };
  if (type === 'literal') return { jobInputType: type, value: requiredString(input, 'value'), ...common };
  if (type !== 'uri_file' && type !== 'uri_folder')
    throw badArgument(`The sandbox does not support inputs of type '${type}' (input '${key}').`);
  // The SDK of 2.1.1 drops it on the way (azure-sdk-for-js#29328), and the service then says so.
  const uri = requiredString(input, 'uri');
  if (!around.hasData(uri))
    throw badArgument(`The uri '${uri}' of input '${key}' is not in a datastore of this workspace.`);
  return { jobInputType: type, uri, mode: stringAt(input, 'mode') ?? 'ReadOnlyMount', ...common };
}

/**
 * What a GET shows as `outputs.default` is where the service keeps the run's own files: sent back, it declares nothing.
 * @throws 400 when `default` is anything else, as its name is taken
 */
function declaredOutputs(job: string, properties: JsonObject): Readonly<Record<string, JsonObject>> {
  const { default: own, ...outputs } = objectMapAt(properties, 'outputs');
  if (own === undefined) return outputs;
  const uri = stringAt(own, 'uri')?.replace(/\/$/, '');
  if (uri === undefined || uri === artifactUriOf(job)) return outputs;
  throw badArgument("The output name 'default' is taken by the files of the run itself.");
}

function outputDefinition(job: string, key: string, output: JsonObject): JobOutputDefinition {
  const type = requiredString(output, 'jobOutputType');
  if (type !== 'uri_file' && type !== 'uri_folder')
    throw badArgument(`The sandbox does not support outputs of type '${type}' (output '${key}').`);
  const uri = stringAt(output, 'uri') ?? defaultOutputUri(job, key, type);
  if (!placeOf(uri))
    throw badArgument(`The uri '${uri}' of output '${key}' is not in a datastore of this workspace.`);
  const description = stringAt(output, 'description');
  const mode = stringAt(output, 'mode') ?? 'ReadWriteMount';
  return { jobOutputType: type, uri, mode, ...(description === undefined ? {} : { description }) };
}

/** `${{inputs.NAME}}` and `${{outputs.NAME}}` in a command. */
export const commandReference = /\$\{\{\s*(inputs|outputs)\.([a-zA-Z0-9_]+)\s*\}\}/g;

function requireReferences(command: string, inputs: object, outputs: object): void {
  for (const [, kind, key = ''] of command.matchAll(commandReference))
    if (!Object.hasOwn(kind === 'inputs' ? inputs : outputs, key))
      throw badArgument(
        `The command refers to ${kind ?? ''}.${key}, but the job has no such ${kind?.slice(0, -1) ?? ''}.`,
      );
}

/** Takes an ARM id of this workspace or the short `azureml:NAME:VERSION`; answers the ARM id. */
function environmentId(id: string, around: JobSurroundings): string {
  const short = /^azureml:([^:/]+):([^:/]+)$/.exec(id);
  const long = new RegExp(`^${workspace.id}/environments/([^/]+)/versions/([^/]+)$`, 'i').exec(id);
  const [, name = '', version = ''] = short ?? long ?? [];
  if (!around.hasEnvironment(name, version))
    throw badArgument(`Environment '${id}' does not exist in workspace ${workspace.name}.`);
  return `${workspace.id}/environments/${name}/versions/${version}`;
}

function computeId(id: string, around: JobSurroundings): string {
  const long = new RegExp(`^${workspace.id}/computes/([^/]+)$`, 'i').exec(id);
  const name = long?.[1] ?? '';
  if (!around.hasCompute(name))
    throw badArgument(`Compute '${id}' does not exist in workspace ${workspace.name}.`);
  return id;
}

function instanceCount(resources: JsonObject): number {
  const count = resources.instanceCount ?? 1;
  if (count !== 1)
    throw badArgument('The sandbox runs a job on one node: resources.instanceCount must be 1.');
  return 1;
}
