import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from './body.ts';
import { booleanAt, objectAt, othersOf, requiredString, stringAt, stringMapAt } from './body.ts';
import { openDocuments } from './documents.ts';
import { badArgument, userError } from './errors.ts';
import type { SystemData } from './resource.ts';

type StringMap = Readonly<Record<string, string>>;

/** What may not change once a version is registered. */
interface Definition {
  readonly image?: string;
  readonly build?: JsonObject;
  readonly condaFile: string;
  readonly osType: 'Linux' | 'Windows';
  readonly inferenceConfig?: JsonObject;
  readonly autoRebuild?: string;
  readonly isAnonymous: boolean;
}

export interface EnvironmentVersionRecord {
  readonly name: string;
  readonly version: string;
  readonly definition: Definition;
  readonly description?: string;
  readonly tags: StringMap;
  readonly properties: StringMap;
  readonly isArchived: boolean;
  readonly stage?: string;
  readonly system: SystemData;
  /** Members of `properties` that the body shows as they are, beside or instead of the others: what no client here can send. */
  readonly shown?: JsonObject;
}

export interface EnvironmentContainerRecord {
  readonly name: string;
  readonly description?: string;
  readonly tags: StringMap;
  readonly properties: StringMap;
  readonly isArchived: boolean;
  readonly system: SystemData;
}

export interface Environments {
  container(name: string): EnvironmentContainerRecord | undefined;
  containers(): EnvironmentContainerRecord[];
  putContainer(record: EnvironmentContainerRecord): void;
  version(name: string, version: string): EnvironmentVersionRecord | undefined;
  /** Newest first. */
  versions(name: string): EnvironmentVersionRecord[];
  putVersion(record: EnvironmentVersionRecord): void;
  /** @returns false when there was none */
  removeVersion(name: string, version: string): boolean;
  /** With all its versions. */
  removeContainer(name: string): boolean;
}

export function openEnvironments(directory: string): Environments {
  const containers = openDocuments<EnvironmentContainerRecord>(join(directory, 'containers'));
  const versions = openDocuments<EnvironmentVersionRecord>(join(directory, 'versions'));
  const key = (name: string, version: string): string => `${name}:${version}`;
  return {
    container: (name) => containers.get(name),
    containers: () => containers.values(),
    putContainer: (record) => containers.put(record.name, record),
    version: (name, version) => versions.get(key(name, version)),
    versions: (name) =>
      versions
        .values()
        .filter((record) => record.name === name)
        .sort((a, b) => (a.system.createdAt < b.system.createdAt ? 1 : -1)),
    putVersion: (record) => versions.put(key(record.name, record.version), record),
    removeVersion: (name, version) => versions.remove(key(name, version)),
    removeContainer: (name) => {
      for (const record of versions.values())
        if (record.name === name) versions.remove(key(name, record.version));
      return containers.remove(name);
    },
  };
}

/** @throws 400 for a name that the service would not take */
export function requireEnvironmentName(name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/.test(name))
    throw badArgument(
      `Environment name '${name}' is invalid. It must start with an alphanumeric character and may contain only alphanumeric characters, dashes and underscores, at most 255.`,
    );
  if (/^(azureml|microsoft)/i.test(name))
    throw badArgument(
      `Environment name '${name}' is invalid. Names that start with 'AzureML' or 'Microsoft' are reserved.`,
    );
}

/** @throws 400 when it is not exactly one of image and build, or malformed */
function definitionOf(properties: JsonObject): Definition {
  const image = stringAt(properties, 'image');
  const build = properties.build ? objectAt(properties, 'build') : undefined;
  if ((image ? 1 : 0) + (build ? 1 : 0) !== 1)
    throw badArgument('Exactly one of the properties image and build must be given.');
  if (build) requiredString(build, 'contextUri');
  const inferenceConfig = properties.inferenceConfig ? objectAt(properties, 'inferenceConfig') : undefined;
  if (inferenceConfig) for (const route of inferenceRoutes) requireRoute(inferenceConfig, route);
  const osType = stringAt(properties, 'osType') ?? 'Linux';
  if (osType !== 'Linux' && osType !== 'Windows')
    throw badArgument(`The osType '${osType}' is not supported.`);
  const autoRebuild = stringAt(properties, 'autoRebuild');
  return {
    ...(image ? { image } : {}),
    ...(build ? { build } : {}),
    condaFile: stringAt(properties, 'condaFile') ?? '',
    osType,
    ...(inferenceConfig ? { inferenceConfig } : {}),
    ...(autoRebuild === undefined ? {} : { autoRebuild }),
    isAnonymous: booleanAt(properties, 'isAnonymous') ?? false,
  };
}

const inferenceRoutes = ['livenessRoute', 'readinessRoute', 'scoringRoute'];

function requireRoute(config: JsonObject, name: string): void {
  if (config[name] === undefined || config[name] === null) return;
  const route = objectAt(config, name);
  requiredString(route, 'path');
  if (!Number.isInteger(route.port)) throw badArgument(`The field ${name}.port must be an integer.`);
}

/** Members of the body's `properties`, read-only ones included. */
const knownMembers = [
  ...['image', 'build', 'condaFile', 'osType', 'inferenceConfig', 'autoRebuild', 'isAnonymous'],
  ...['description', 'tags', 'properties', 'isArchived', 'stage', 'environmentType', 'provisioningState'],
];

/**
 * A PUT of a version. First time: everything. Later: `description`, `tags`, `stage` and the archive flag are replaced,
 * `properties` only grow, and anything else that differs is the conflict that tools must not swallow.
 * @throws 400 | 409 UserError
 */
export function changedVersion(
  name: string,
  version: string,
  properties: JsonObject,
  before: EnvironmentVersionRecord | undefined,
  system: SystemData,
): EnvironmentVersionRecord {
  const definition = definitionOf(properties);
  const added = stringMapAt(properties, 'properties');
  if (before && !isDeepStrictEqual(before.definition, definition)) throw alreadyRegistered(name, version);
  const others = othersOf(properties, knownMembers);
  if (before && Object.entries(others).some(([key, value]) => !isDeepStrictEqual(before.shown?.[key], value)))
    throw alreadyRegistered(name, version);
  if (before && Object.entries(added).some(([key, value]) => (before.properties[key] ?? value) !== value))
    throw alreadyRegistered(name, version);
  const description = stringAt(properties, 'description');
  const stage = stringAt(properties, 'stage');
  return {
    name,
    version,
    definition,
    ...(description === undefined ? {} : { description }),
    tags: stringMapAt(properties, 'tags'),
    properties: { ...before?.properties, ...added },
    isArchived: booleanAt(properties, 'isArchived') ?? before?.isArchived ?? false,
    ...(stage === undefined ? {} : { stage }),
    system,
    ...shownOf(before?.shown, others),
  };
}

const shownOf = (before: JsonObject | undefined, others: JsonObject): { readonly shown?: JsonObject } =>
  before === undefined && Object.keys(others).length === 0 ? {} : { shown: { ...before, ...others } };

const alreadyRegistered = (name: string, version: string): Error =>
  userError(409, `Environment ${name} with version ${version} is already registered and cannot be changed.`, [
    'Immutable',
    'AssetImmutable',
  ]);
