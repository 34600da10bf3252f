import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { workspace, region } from '../topology.ts';
import type { JsonObject } from './body.ts';
import { booleanAt, objectAt, requiredString, stringAt, stringMapAt, textMapAt } from './body.ts';
import type { Documents } from './documents.ts';
import { openDocuments } from './documents.ts';
import { badArgument, userError } from './errors.ts';
import type { SystemData } from './resource.ts';
import { placeOf } from './uris.ts';

/** Versioned assets that point at files in a datastore. */
export type AssetKind = 'data' | 'models' | 'codes';

export interface AssetRecord {
  readonly name: string;
  readonly version: string;
  /** What may not change: the path and what it is. */
  readonly definition: JsonObject;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly isArchived: boolean;
  readonly isAnonymous: boolean;
  readonly stage?: string;
  readonly system: SystemData;
}

export interface AssetContainerRecord {
  readonly name: string;
  /** Of data: the type that all versions have. */
  readonly dataType?: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly isArchived: boolean;
  readonly system: SystemData;
}

export interface Assets {
  container(name: string): AssetContainerRecord | undefined;
  containers(): AssetContainerRecord[];
  putContainer(record: AssetContainerRecord): void;
  /** With all its versions. @returns false when there is none */
  removeContainer(name: string): boolean;
  version(name: string, version: string): AssetRecord | undefined;
  /** Newest first; without a name those of all. */
  versions(name?: string): AssetRecord[];
  putVersion(record: AssetRecord): void;
  removeVersion(name: string, version: string): boolean;
}

export function openAssets(directory: string): Assets {
  const containers: Documents<AssetContainerRecord> = openDocuments(join(directory, 'containers'));
  const versions: Documents<AssetRecord> = openDocuments(join(directory, 'versions'));
  const key = (name: string, version: string): string => `${name}:${version}`;
  const versionsOf = (name?: string): AssetRecord[] =>
    versions
      .values()
      .filter((record) => name === undefined || record.name === name)
      .sort((a, b) => (a.system.createdAt < b.system.createdAt ? 1 : -1));
  return {
    container: (name) => containers.get(name),
    containers: () => containers.values(),
    putContainer: (record) => {
      containers.put(record.name, record);
    },
    removeContainer: (name) => {
      for (const { version } of versionsOf(name)) versions.remove(key(name, version));
      return containers.remove(name);
    },
    version: (name, version) => versions.get(key(name, version)),
    versions: versionsOf,
    putVersion: (record) => {
      versions.put(key(record.name, record.version), record);
    },
    removeVersion: (name, version) => versions.remove(key(name, version)),
  };
}

/** The property that holds the path, by kind. */
const uriProperty = { data: 'dataUri', models: 'modelUri', codes: 'codeUri' } as const;

/** @throws 400 for a path that is in no datastore of this workspace, and for what is not of the kind */
function definitionOf(kind: AssetKind, properties: JsonObject): JsonObject {
  const uri = requiredString(properties, uriProperty[kind]);
  // A model may also be the output of a job, which is a place too.
  if (!placeOf(uri))
    throw badArgument(`The ${uriProperty[kind]} '${uri}' is not in a datastore of this workspace.`);
  if (kind === 'codes') return { codeUri: uri };
  if (kind === 'data') return { dataUri: uri, dataType: requiredDataType(properties) };
  const jobName = stringAt(properties, 'jobName');
  const flavors = objectAt(properties, 'flavors');
  return {
    modelUri: uri,
    modelType: stringAt(properties, 'modelType') ?? 'custom_model',
    ...(jobName === undefined ? {} : { jobName }),
    flavors,
  };
}

export function requiredDataType(properties: JsonObject): string {
  const type = requiredString(properties, 'dataType').toLowerCase();
  if (type === 'uri_file' || type === 'uri_folder') return type;
  throw badArgument(`The sandbox does not support data of type '${type}'.`);
}

/**
 * A PUT of a version: the first defines it, later ones may change what is for people.
 * @throws 400 | 409 UserError; the text is the one by which azure-ai-ml knows a path that may not change
 */
export function changedAsset(
  kind: AssetKind,
  name: string,
  version: string,
  properties: JsonObject,
  before: AssetRecord | undefined,
  system: SystemData,
): AssetRecord {
  const definition = definitionOf(kind, properties);
  if (before && !isDeepStrictEqual(before.definition, definition))
    throw userError(409, 'Asset paths cannot be updated.', ['Immutable', 'AssetImmutable']);
  const description = stringAt(properties, 'description');
  const stage = stringAt(properties, 'stage');
  return {
    name,
    version,
    definition,
    ...(description === undefined ? {} : { description }),
    tags: stringMapAt(properties, 'tags'),
    properties: { ...before?.properties, ...textMapAt(properties, 'properties') },
    isArchived: booleanAt(properties, 'isArchived') ?? before?.isArchived ?? false,
    isAnonymous: booleanAt(properties, 'isAnonymous') ?? before?.isAnonymous ?? false,
    ...(stage === undefined ? {} : { stage }),
    system,
  };
}

/** Letters, digits, dots, dashes and underscores; at most 255. */
export function requireAssetName(kind: AssetKind, name: string): void {
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,254}$/.test(name))
    throw badArgument(`The name '${name}' is not valid for ${kind}.`);
}

const armId = new RegExp(`^(?:azureml:)?${workspace.id}/(data|models|codes)/([^/]+)/versions/([^/]+)$`, 'i');
const assetId = new RegExp(
  `^azureml://locations/${region}/workspaces/${workspace.guid}/(data|models|codes)/([^/]+)/versions/([^/]+)$`,
  'i',
);
const shortId = /^azureml:([^:/]+):([^:/]+)$/;

/** Which asset an id means, in any of the three forms that clients use; the short one does not say the kind. */
function parseAssetId(
  id: string,
  kind: AssetKind,
): { readonly name: string; readonly version: string } | undefined {
  const [, found, name, version] = armId.exec(id) ?? assetId.exec(id) ?? [];
  if (name !== undefined && version !== undefined)
    return found?.toLowerCase() === kind ? { name, version } : undefined;
  const [, shortName, shortVersion] = shortId.exec(id) ?? [];
  return shortName === undefined || shortVersion === undefined
    ? undefined
    : { name: shortName, version: shortVersion };
}

/** The path behind an asset id; a path is its own answer. Undefined when there is no such asset. */
export function resolvedUri(assets: Assets, kind: AssetKind, uri: string): string | undefined {
  if (placeOf(uri)) return uri;
  const id = parseAssetId(uri, kind);
  const record = id && assets.version(id.name, id.version);
  const path = record?.definition[uriProperty[kind]];
  return typeof path === 'string' ? path : undefined;
}
