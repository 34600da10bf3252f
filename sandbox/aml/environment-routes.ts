import type { SandboxContext } from '../context.ts';
import type { Handler } from '../http.ts';
import { workspace } from '../topology.ts';
import { booleanAt, propertiesOf, stringAt, stringMapAt } from './body.ts';
import type { EnvironmentContainerRecord, Environments, EnvironmentVersionRecord } from './environments.ts';
import { changedVersion, requireEnvironmentName } from './environments.ts';
import { badArgument, notFound } from './errors.ts';
import { isListed, page, resource, systemData } from './resource.ts';
import type { WorkspaceCall } from './scope.ts';
import { workspaceHandler } from './scope.ts';

/** `…/environments[/NAME[/versions[/VERSION]]]` */
export function environmentHandlers(context: SandboxContext, environments: Environments): Handler[] {
  const container = '/environments/([^/]+)';
  const versions = `${container}/versions`;
  const version = `${versions}/([^/]+)`;

  const putContainer = (name: string, call: WorkspaceCall, change: Partial<EnvironmentContainerRecord>) => {
    const before = environments.container(name);
    const system = systemData(call.principal, context.clock.now(), before?.system);
    const record = { tags: {}, properties: {}, isArchived: false, ...before, ...change, name, system };
    environments.putContainer(record);
    return { record, status: before ? 200 : 201 };
  };
  const found = (name: string): EnvironmentContainerRecord => {
    const record = environments.container(name);
    if (!record) throw notFound(`Not found environment container with name ${name}.`);
    return record;
  };

  return [
    workspaceHandler(context, {
      method: 'GET',
      path: '/environments',
      action: 'workspaces/environments/read',
      answer: (call) => {
        const listed = environments.containers().filter((record) => isListed(call, record.isArchived));
        return {
          status: 200,
          body: page(
            call,
            listed.map((record) => containerBody(environments, record)),
          ),
        };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: container,
      action: 'workspaces/environments/read',
      answer: ({ names: [name = ''] }) => ({ status: 200, body: containerBody(environments, found(name)) }),
    }),
    workspaceHandler(context, {
      method: 'PUT',
      path: container,
      action: 'workspaces/environments/write',
      answer: async (call) => {
        const [name = ''] = call.names;
        requireEnvironmentName(name);
        const properties = propertiesOf(await call.request.json());
        const description = stringAt(properties, 'description');
        const isArchived = booleanAt(properties, 'isArchived');
        const { record, status } = putContainer(name, call, {
          ...(description === undefined ? {} : { description }),
          ...(isArchived === undefined ? {} : { isArchived }),
          tags: stringMapAt(properties, 'tags'),
          properties: {
            ...environments.container(name)?.properties,
            ...stringMapAt(properties, 'properties'),
          },
        });
        return { status, body: containerBody(environments, record) };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: versions,
      action: 'workspaces/environments/versions/read',
      answer: (call) => {
        const [name = ''] = call.names;
        found(name);
        const listed = environments.versions(name).filter((record) => isListed(call, record.isArchived));
        const ordered = /\basc\b/i.test(orderOf(call)) ? listed.reverse() : listed;
        return {
          status: 200,
          body: page(
            call,
            ordered.map((record) => versionBody(record, call.apiVersion)),
          ),
        };
      },
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: version,
      action: 'workspaces/environments/versions/read',
      answer: ({ names: [name = '', label = ''], apiVersion }) => {
        const record = environments.version(name, label);
        if (!record)
          throw notFound(
            `Not found environment ${name} with version ${label} in workspace ${workspace.name}.`,
          );
        return { status: 200, body: versionBody(record, apiVersion) };
      },
    }),
    workspaceHandler(context, {
      method: 'PUT',
      path: version,
      action: 'workspaces/environments/versions/write',
      answer: async (call) => {
        const [name = '', label = ''] = call.names;
        requireEnvironmentName(name);
        if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$/.test(label))
          throw badArgument(`Environment version '${label}' is invalid.`);
        const properties = propertiesOf(await call.request.json());
        const before = environments.version(name, label);
        const system = systemData(call.principal, context.clock.now(), before?.system);
        const changed = changedVersion(name, label, properties, before, system);
        const { record: parent } = environments.container(name)
          ? { record: found(name) }
          : putContainer(name, call, {});
        // A new version under an archived name is born archived.
        const record = before || !parent.isArchived ? changed : { ...changed, isArchived: true };
        environments.putVersion(record);
        return { status: before ? 200 : 201, body: versionBody(record, call.apiVersion) };
      },
    }),
  ];
}

const orderOf = (call: WorkspaceCall): string => call.request.url.searchParams.get('$orderBy') ?? '';

const containerBody = (environments: Environments, record: EnvironmentContainerRecord): object => {
  const [latest] = environments.versions(record.name);
  const next = latest && /^\d+$/.test(latest.version) ? String(Number(latest.version) + 1) : null;
  return resource(
    `environments/${record.name}`,
    {
      description: record.description ?? null,
      tags: record.tags,
      properties: record.properties,
      isArchived: record.isArchived,
      latestVersion: latest?.version ?? null,
      nextVersion: latest ? next : '1',
    },
    record.system,
  );
};

function versionBody(record: EnvironmentVersionRecord, apiVersion: string): object {
  const since2023 = apiVersion >= '2023-04-01';
  const properties = {
    description: record.description ?? null,
    tags: record.tags,
    properties: record.properties,
    isArchived: record.isArchived,
    ...record.definition,
    environmentType: 'UserCreated',
    // The service's own word for a version of which nobody said a stage.
    ...(since2023 ? { provisioningState: 'Succeeded', stage: record.stage ?? 'Development' } : {}),
    ...record.shown,
  };
  return resource(`environments/${record.name}/versions/${record.version}`, properties, record.system);
}
