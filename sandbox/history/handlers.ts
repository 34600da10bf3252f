import type { JobRecord } from '../aml/jobs.ts';
import { artifactContainer, artifactPrefix } from '../aml/uris.ts';
import type { SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { azureError, ResponseError } from '../http.ts';
import { audiences, workspace } from '../topology.ts';
import { contentInfo, runBody, runDetailsBody } from './bodies.ts';
import { askedIds, resolvedData, resolvedModels } from './resolve.ts';

const isDataPlane = (host: string): boolean => host === workspace.apiHost || host === workspace.regionalHost;

const scope = workspace.id.replaceAll('.', '\\.');

/** How long a log URL is good for. */
const urlMinutes = 60;

/**
 * The workspace's data plane, as far as logs need it: discovery, run history (`azure-ai-ml` reads a run's details and then
 * the signed URLs of its log files) and the artifact service (what older clients list files with).
 */
export function historyHandlers(context: SandboxContext): Handler[] {
  const { jobs, blobs, access, assets } = context.workspace;
  const filesOf = (job: string): string[] =>
    blobs
      .all(artifactContainer)
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${artifactPrefix(job)}/`))
      .map((name) => name.slice(artifactPrefix(job).length + 1));
  const urlOf = (job: string, file: string): string =>
    access.sign(
      artifactContainer,
      `${artifactPrefix(job)}/${file}`,
      new Date(context.clock.now().getTime() + urlMinutes * 60_000),
    );
  const details = (job: JobRecord): object =>
    runDetailsBody(
      job,
      Object.fromEntries(
        filesOf(job.name)
          .filter((file) => /^(user_logs|system_logs)\//.test(file))
          .map((file) => [file, urlOf(job.name, file)]),
      ),
    );
  const found = (name = ''): JobRecord => {
    const job = jobs.get(name);
    if (!job) throw azureError(404, 'UserError', `Run ${name} was not found.`);
    return job;
  };
  const route = (
    method: string,
    path: string,
    answer: (names: string[], request: SandboxRequest) => Promise<object> | object,
  ): Handler => ({
    host: isDataPlane,
    method,
    path: new RegExp(`^${path}$`, 'i'),
    fn: async (request, [, ...names]): Promise<SandboxResponse> => {
      requireAccess(context, request);
      return { status: 200, body: await answer(names, request) };
    },
  });
  const history = `/history/v1\\.0${scope}`;
  const artifact = `/artifact/v2\\.0${scope}/artifacts`;
  const inExperiment = '(?:/experiments/[^/]+|/experimentids/[^/]+)?';

  return [
    discovery(context),
    route('GET', `${history}${inExperiment}/runs/([^/]+)/details`, ([name]) => details(found(name))),
    route('GET', `${history}${inExperiment}/runs/([^/]+)`, ([name]) => runBody(found(name))),
    route('POST', `${history}/rundata`, async (_names, request) => {
      const body = (await request.json()) as { runId?: unknown } | null;
      const job = found(typeof body?.runId === 'string' ? body.runId : '');
      return { runMetadata: runBody(job), runDefinition: null, jobSpecification: null };
    }),
    route('POST', `/data/v1\\.0${scope}/dataversion/batchGetResolvedUris`, async (_names, request) =>
      resolvedData(askedIds(await request.json()), { ...assets, jobs }),
    ),
    route('POST', `/modelregistry/v1\\.0${scope}/models/batchGetResolvedUris`, async (_names, request) =>
      resolvedModels(askedIds(await request.json()), { ...assets, jobs }),
    ),
    route(
      'GET',
      `${artifact}/prefix/contentinfo/ExperimentRun/dcid\\.([^/]+)(?:/(.*))?`,
      ([job = '', inPath], request) => {
        found(job);
        const prefix = inPath ?? request.url.searchParams.get('path') ?? '';
        const files = filesOf(job).filter((file) => file.startsWith(prefix));
        return {
          value: files.map((file) => contentInfo(job, file, urlOf(job, file))),
          continuationToken: null,
        };
      },
    ),
    route(
      'GET',
      `${artifact}/contentinfo/ExperimentRun/dcid\\.([^/]+)(?:/(.*))?`,
      ([job = '', inPath], request) => {
        found(job);
        const file = inPath ?? request.url.searchParams.get('path') ?? '';
        if (!filesOf(job).includes(file))
          throw azureError(404, 'UserError', `Artifact ${file} was not found.`);
        return contentInfo(job, file, urlOf(job, file));
      },
    ),
  ];
}

/** Clients read it without a token; it tells the hosts of the workspace's services. */
const discovery = (context: SandboxContext): Handler => ({
  host: isDataPlane,
  method: 'GET',
  path: /^\/discovery(?:\/.*)?$/,
  fn: () => {
    const url = `https://${workspace.apiHost}`;
    return {
      status: 200,
      body: {
        api: url,
        history: url,
        artifact: url,
        catalog: 'https://catalog.cortanaanalytics.com',
        studio: 'https://ml.azure.com',
        region: context.topology.region,
      },
    };
  },
});

/** @throws 401 | 403 */
function requireAccess(context: SandboxContext, request: SandboxRequest): void {
  const principal = eitherAudience(context, request);
  context.requireRole(
    principal,
    workspace.id,
    'Microsoft.MachineLearningServices/workspaces/experiments/runs/read',
  );
}

/** Tokens for Azure ML and for ARM are both taken here. */
function eitherAudience(
  context: SandboxContext,
  request: SandboxRequest,
): ReturnType<SandboxContext['principalOf']> {
  try {
    return context.principalOf(request, audiences.ml);
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return context.principalOf(request, audiences.arm);
  }
}
