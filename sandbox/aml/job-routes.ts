import { isDeepStrictEqual } from 'node:util';
import type { SandboxContext } from '../context.ts';
import type { Handler, SandboxResponse } from '../http.ts';
import { azureError } from '../http.ts';
import { audiences, hosts, region, workspace } from '../topology.ts';
import { resolvedUri } from './assets.ts';
import { booleanAt, propertiesOf, stringAt, stringMapAt } from './body.ts';
import { badArgument, notFound, userError } from './errors.ts';
import { jobBody } from './job-body.ts';
import { jobDefinition } from './job-definition.ts';
import type { JobRecord } from './jobs.ts';
import { isTerminal } from './jobs.ts';
import { isListed, page, systemData } from './resource.ts';
import type { WorkspaceCall } from './scope.ts';
import { workspaceHandler } from './scope.ts';
import { withoutShown } from './shown-back.ts';

/** `…/jobs[/NAME[/cancel]]`, and the operation that a cancel is followed by. */
export function jobHandlers(context: SandboxContext): Handler[] {
  const { compute } = context;
  const { jobs } = context.workspace;
  const found = (name: string): JobRecord => {
    const record = jobs.get(name);
    if (!record) throw notFound(`Not found job with name ${name} in workspace ${workspace.name}.`);
    return record;
  };
  return [
    workspaceHandler(context, {
      method: 'GET',
      path: '/jobs',
      action: 'workspaces/jobs/read',
      answer: (call) => ({
        status: 200,
        body: page(
          call,
          jobs
            .all()
            .filter(isWanted(call))
            .map((job) => jobBody(job, call.apiVersion)),
        ),
      }),
    }),
    workspaceHandler(context, {
      method: 'GET',
      path: '/jobs/([^/]+)',
      action: 'workspaces/jobs/read',
      answer: ({ names: [name = ''], apiVersion }) => ({
        status: 200,
        body: jobBody(found(name), apiVersion),
      }),
    }),
    workspaceHandler(context, {
      method: 'PUT',
      path: '/jobs/([^/]+)',
      action: 'workspaces/jobs/write',
      answer: (call) => putJob(context, call),
    }),
    workspaceHandler(context, {
      method: 'POST',
      path: '/jobs/([^/]+)/cancel',
      action: 'workspaces/jobs/cancel/action',
      answer: ({ names: [name = ''], apiVersion }) => {
        if (isTerminal(found(name).status)) return { status: 200 };
        compute.cancel(name);
        const path = `/subscriptions/${workspace.subscription}/providers/Microsoft.MachineLearningServices/locations/${region}/mfeOperationResults/jc:${workspace.guid}:${name}`;
        const location = `https://${hosts.arm}${path}?api-version=${apiVersion}`;
        return { status: 202, headers: { location, 'retry-after': '1' } };
      },
    }),
    {
      host: (host) => host === hosts.arm,
      method: 'GET',
      path: new RegExp(
        `^/subscriptions/${workspace.subscription}/providers/Microsoft\\.MachineLearningServices/locations/${region}/mfeOperationResults/jc:${workspace.guid}:([^/:]+)$`,
        'i',
      ),
      fn: (request, [, name = '']) => {
        const principal = context.principalOf(request, audiences.arm);
        context.requireRole(
          principal,
          workspace.id,
          'Microsoft.MachineLearningServices/workspaces/jobs/read',
        );
        if (isTerminal(found(name).status)) return { status: 200 };
        return { status: 202, headers: { location: request.url.href, 'retry-after': '1' } };
      },
    },
  ];
}

async function putJob(context: SandboxContext, call: WorkspaceCall): Promise<SandboxResponse> {
  const { compute } = context;
  const { jobs, environments, assets } = context.workspace;
  const [name = ''] = call.names;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/.test(name)) throw badArgument(`Job name '${name}' is invalid.`);
  const properties = withoutShown(propertiesOf(await call.request.json()));
  const definition = jobDefinition(name, properties, {
    hasEnvironment: (environment, version) => environments.version(environment, version) !== undefined,
    hasCompute: (compute) => compute.toLowerCase() === workspace.compute.name,
    hasCode: (id) => resolvedUri(assets.codes, 'codes', id) !== undefined,
    hasData: (uri) => resolvedUri(assets.data, 'data', uri) !== undefined,
  });
  const before = jobs.get(name);
  if (before) requireSame(before, definition);
  const description = stringAt(properties, 'description') ?? before?.description;
  const record: JobRecord = {
    status: 'Starting',
    ...before,
    name,
    definition,
    displayName: stringAt(properties, 'displayName') ?? before?.displayName ?? name,
    ...(description === undefined ? {} : { description }),
    // The service merges both: neither a tag nor a property can be taken away from a job.
    tags: { ...before?.tags, ...stringMapAt(properties, 'tags') },
    properties: {
      ...stringMapAt(properties, 'properties'),
      ...before?.properties,
      '_azureml.ComputeTargetType': 'amlctrain',
    },
    isArchived: booleanAt(properties, 'isArchived') ?? before?.isArchived ?? false,
    system: systemData(call.principal, context.clock.now(), before?.system),
  };
  jobs.put(record);
  if (before) return { status: 200, body: jobBody(record, call.apiVersion) };
  const fault = context.faults.take(call.request, 'fail-operation', 'endless-operation');
  compute.submit(name, fault);
  return { status: 201, body: jobBody(record, call.apiVersion) };
}

const wordOf: Readonly<Record<string, string>> = {
  inputs: 'Inputs',
  outputs: 'Outputs',
  command: 'Command',
  environmentId: 'Environment',
  computeId: 'Compute',
};

/** The same name again is the same job, or an error that names what differs. @throws 400 UserError */
function requireSame(before: JobRecord, definition: JobRecord['definition']): void {
  const keys = Object.keys({ ...before.definition, ...definition }) as (keyof JobRecord['definition'])[];
  const changed = keys.filter((key) => !isDeepStrictEqual(before.definition[key], definition[key]));
  if (changed.length === 0) return;
  const words = [...new Set(changed.map((key) => wordOf[key] ?? 'Settings'))].join(', ');
  throw userError(
    400,
    `A job with this name already exists. If you are trying to create a new job, use a different name. If you are trying to update an existing job, the existing job's ${words} cannot be changed. Only description, tags, displayName, properties, and isArchived can be updated.`,
    ['Immutable', 'JobPropertyImmutable'],
  );
}

/** `listViewType`, `jobType` and `tag` (`KEY` or `KEY=VALUE`) of a list. */
function isWanted(call: WorkspaceCall): (job: JobRecord) => boolean {
  const query = call.request.url.searchParams;
  const jobType = query.get('jobType');
  if (jobType !== null && jobType !== 'Command')
    throw azureError(400, 'InvalidParameter', 'Unknown jobType.');
  const [key, value] = query.get('tag')?.split('=', 2) ?? [];
  return (job) =>
    isListed(call, job.isArchived) &&
    (key === undefined || (Object.hasOwn(job.tags, key) && (value === undefined || job.tags[key] === value)));
}
