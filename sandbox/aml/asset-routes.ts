import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import type { AssetContainerRecord, AssetKind, AssetRecord, Assets } from './assets.ts';
import { changedAsset, requireAssetName, requiredDataType } from './assets.ts';
import { booleanAt, propertiesOf, stringAt, stringMapAt } from './body.ts';
import { badArgument, notFound } from './errors.ts';
import { isListed, page, resource, systemData } from './resource.ts';
import type { WorkspaceCall } from './scope.ts';
import { workspaceHandler } from './scope.ts';

/** `…/data`, `…/models` or `…/codes`: `[/NAME[/versions[/VERSION]]]` */
export function assetHandlers(context: SandboxContext, kind: AssetKind, assets: Assets): Handler[] {
  const container = `/${kind}/([^/]+)`;
  const versions = `${container}/versions`;
  const version = `${versions}/([^/]+)`;
  const actions = `workspaces/${kind}`;

  const found = (name: string): AssetContainerRecord => {
    const record = assets.container(name);
    if (!record) throw notFound(`Not found ${kind} container with name ${name}.`);
    return record;
  };
  const putContainer = (call: WorkspaceCall, change: Partial<AssetContainerRecord>): AssetContainerRecord => {
    const [name = ''] = call.names;
    const before = assets.container(name);
    const system = systemData(call.principal, context.clock.now(), before?.system);
    const record = { tags: {}, properties: {}, isArchived: false, ...before, ...change, name, system };
    assets.putContainer(record);
    return record;
  };

  return [
    workspaceHandler(context, {
      method: 'GET',
      path: `/${kind}`,
      action: `${actions}/read`,
      answer: (call) => {
        const listed = assets.containers().filter((record) => isListed(call, record.isArchived));
        return {
          status: 200,
          body: page(
            call,
            listed.map((record) => containerBody(kind, assets, record)),
          ),
        };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: container,
      action: `${actions}/read`,
      answer: ({ names: [name = ''] }) => ({
        status: 200,
        body: containerBody(kind, assets, found(name)),
      }),
    }),
    workspaceHandler(context, {
      method: 'PUT',
      path: container,
      action: `${actions}/write`,
      answer: async (call) => {
        const [name = ''] = call.names;
        requireAssetName(kind, name);
        const properties = propertiesOf(await call.request.json());
        const before = assets.container(name);
        const description = stringAt(properties, 'description');
        const isArchived = booleanAt(properties, 'isArchived');
        const record = putContainer(call, {
          ...(kind === 'data' && { dataType: before?.dataType ?? requiredDataType(properties) }),
          ...(description === undefined ? {} : { description }),
          ...(isArchived === undefined ? {} : { isArchived }),
          tags: stringMapAt(properties, 'tags'),
          properties: { ...before?.properties, ...stringMapAt(properties, 'properties') },
        });
        return { status: before ? 200 : 201, body: containerBody(kind, assets, record) };
      },
    }),
    workspaceHandler(context, {
      method: 'DELETE',
      path: container,
      action: `${actions}/delete`,
      answer: ({ names: [name = ''] }) => ({ status: assets.removeContainer(name) ? 200 : 204 }),
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: versions,
      action: `${actions}/versions/read`,
      answer: (call) => {
        const [name = ''] = call.names;
        // By its hash code is found whatever its name is, and looked for before there was any of the name.
        const byHash = kind === 'codes' && call.request.url.searchParams.has('hash');
        if (!byHash) found(name);
        const newestFirst = assets.versions(byHash ? undefined : name).filter(isWanted(call));
        const order = call.request.url.searchParams.get('$orderBy') ?? '';
        const listed = /\basc\b/i.test(order) ? newestFirst.reverse() : newestFirst;
        return {
          status: 200,
          body: page(
            call,
            listed.map((record) => versionBody(kind, record)),
          ),
        };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: version,
      action: `${actions}/versions/read`,
      answer: ({ names: [name = '', label = ''] }) => {
        const record = assets.version(name, label);
        if (!record) throw notFound(`Not found ${kind} ${name} with version ${label}.`);
        return { status: 200, body: versionBody(kind, record) };
      },
    }),
    workspaceHandler(context, {
      method: 'PUT',
      path: version,
      action: `${actions}/versions/write`,
      answer: async (call) => {
        const [name = '', label = ''] = call.names;
        requireAssetName(kind, name);
        if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$/.test(label))
          throw badArgument(`The version '${label}' is invalid.`);
        const properties = propertiesOf(await call.request.json());
        const before = assets.version(name, label);
        const system = systemData(call.principal, context.clock.now(), before?.system);
        const changed = changedAsset(kind, name, label, properties, before, system);
        const { dataType } = changed.definition;
        const parent =
          assets.container(name) ?? putContainer(call, typeof dataType === 'string' ? { dataType } : {});
        if (parent.dataType !== undefined && parent.dataType !== dataType)
          throw badArgument(`The data '${name}' is of type ${parent.dataType}, and so are all its versions.`);
        // A new version under an archived name is born archived.
        const record = before || !parent.isArchived ? changed : { ...changed, isArchived: true };
        assets.putVersion(record);
        return { status: before ? 200 : 201, body: versionBody(kind, record) };
      },
    }),
    workspaceHandler(context, {
      method: 'DELETE',
      path: version,
      action: `${actions}/versions/delete`,
      answer: ({ names: [name = '', label = ''] }) => ({
        status: assets.removeVersion(name, label) ? 200 : 204,
      }),
    }),
  ];
}

/** `listViewType`, and the hash by which clients look for code that is there already. */
function isWanted(call: WorkspaceCall): (record: AssetRecord) => boolean {
  const query = call.request.url.searchParams;
  const [hash, hashVersion] = [query.get('hash'), query.get('hashVersion')];
  return ({ isArchived, properties }) =>
    isListed(call, isArchived) &&
    (hash === null || properties.hash_sha256 === hash) &&
    (hashVersion === null || properties.hash_version === hashVersion);
}

function containerBody(kind: AssetKind, assets: Assets, record: AssetContainerRecord): object {
  const [latest] = assets.versions(record.name);
  const next = latest && /^\d+$/.test(latest.version) ? String(Number(latest.version) + 1) : null;
  return resource(
    `${kind}/${record.name}`,
    {
      description: record.description ?? null,
      tags: record.tags,
      properties: record.properties,
      isArchived: record.isArchived,
      latestVersion: latest?.version ?? null,
      nextVersion: latest ? next : '1',
      ...(record.dataType !== undefined && { dataType: record.dataType }),
      ...(kind !== 'data' && { provisioningState: 'Succeeded' }),
    },
    record.system,
  );
}

const versionBody = (kind: AssetKind, record: AssetRecord): object =>
  resource(
    `${kind}/${record.name}/versions/${record.version}`,
    {
      description: record.description ?? null,
      tags: record.tags,
      properties: record.properties,
      isArchived: record.isArchived,
      isAnonymous: record.isAnonymous,
      ...record.definition,
      ...(kind !== 'codes' && { stage: record.stage ?? null }),
      ...(kind !== 'data' && { provisioningState: 'Succeeded' }),
    },
    record.system,
  );
