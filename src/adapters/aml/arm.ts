import type { ArmId } from '../../domain/arm-id.ts';
import { formatArmId, parseArmId } from '../../domain/arm-id.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { AzureCall } from '../../network/azure-error.ts';
import { azureError, faultError, faultOfBody, tellFault } from '../../network/azure-error.ts';
import { passingConflict } from './conflict.ts';
import { createHttp } from './http.ts';
import type { HttpAnswer } from './http.ts';
import type { WorkspaceOptions } from './options.ts';

const armHost = 'management.azure.com';

/**
 * Pinned, because the service shows different fields by version: the SDK's model strips what it does not know and fills in what was
 * not said, so it is never evidence (azure.md, "arm-machinelearning 2.1.1").
 */
const apiVersion = '2024-10-01';

/** Raw ARM below one workspace. Paths begin with `/` and follow the workspace's id. */
export interface WorkspaceArm {
  readonly id: ArmId;
  /** ARM id of a thing in the workspace, e.g. of `/computes/cpu-cluster`. */
  idOf(path: string): string;
  /** undefined when it is not there although the workspace is. @throws NOT_FOUND when the workspace is not, and as `azureError` */
  find(path: string, what: string): Promise<unknown>;
  /** The next page by the service's own link, or the first one. */
  list(path: string, query: Readonly<Record<string, string>>, what: string): AsyncGenerator;
  /** @throws VERSION_CONFLICT when the name stands for something else already, and as `azureError` */
  put(path: string, body: object, what: string): Promise<unknown>;
  /** Whatever an SDK call threw, with the advice for this workspace. A 404 is the workspace's. */
  explain(error: unknown, what: string): AmlpromoteError;
}

const role = 'AzureML Data Scientist';
/** Pages of a listing that are followed. */
const maxPages = 50;

export function createWorkspaceArm(options: WorkspaceOptions): WorkspaceArm {
  const id = parseArmId(options.workspaceId, 'workspace id');
  const base = formatArmId(id);
  let http: ReturnType<typeof createHttp> | undefined;
  const callOf = (what: string): AzureCall => ({
    what: `workspace ${id.name}: ${what}`,
    host: armHost,
    role: { name: role, scope: base },
    agent: options.agent,
    signal: options.signal,
  });
  const send = async (
    method: 'GET' | 'PUT',
    url: string,
    what: string,
    body?: object,
  ): Promise<HttpAnswer> => {
    try {
      http ??= createHttp({
        ...options,
        authentication: { credential: options.credential, scope: `https://${armHost}/.default` },
      });
      return await (
        await http
      )({ method, url, ...(body ? { body } : {}) });
    } catch (error) {
      throw azureError(error, callOf(what));
    }
  };
  const urlOf = (path: string, query: Readonly<Record<string, string>> = {}): string => {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return `https://${armHost}${base}${encoded}?${new URLSearchParams({ 'api-version': apiVersion, ...query }).toString()}`;
  };
  const parsed = (answer: HttpAnswer, what: string): unknown => {
    if (answer.status < 200 || answer.status > 299) {
      throw faultError(faultOfBody(answer.status, answer.body), callOf(what));
    }
    return parseStrictJson(answer.body, {
      where: `answer of ${armHost} to ${what}`,
      maxBytes: 16 * 1024 * 1024,
    });
  };
  const requireWorkspace = async (): Promise<void> => {
    const what = 'looking for the workspace';
    const answer = await send('GET', urlOf(''), what);
    if (answer.status !== 404) return void parsed(answer, what);
    throw new AmlpromoteError('NOT_FOUND', `there is no workspace ${base}`, {
      nextSteps: [
        'Check workspaces.*.id in the zones manifest: subscription, resource group and name.',
        `A workspace that the identity may not see looks the same: it needs the role "${role}" there.`,
      ],
    });
  };

  const find = async (path: string, what: string): Promise<unknown> => {
    const answer = await send('GET', urlOf(path), what);
    if (answer.status !== 404) return parsed(answer, what);
    // The same status for a missing thing and for a missing place: only the second is an error.
    await requireWorkspace();
    return undefined;
  };

  return {
    id,
    idOf: (path) => `${base}${path}`,
    find,
    list: async function* (path, query, what) {
      let url: string | undefined = urlOf(path, query);
      for (let page = 0; url !== undefined && page < maxPages; page += 1) {
        const answer: HttpAnswer = await send('GET', url, what);
        if (answer.status === 404) await requireWorkspace();
        const body = parsed(answer, what);
        yield body;
        url = nextLinkOf(body);
      }
    },
    put: async (path, body, what) => {
      const answer = await send('PUT', urlOf(path), what, body);
      const fault = faultOfBody(answer.status, answer.body);
      if (answer.status === 409 || (answer.status === 400 && /name already exists/i.test(fault.message))) {
        const said = `${callOf(what).what}: ${tellFault(fault)}`;
        if ((await find(path, what)) === undefined) throw passingConflict(said);
        throw new AmlpromoteError('VERSION_CONFLICT', said);
      }
      return parsed(answer, what);
    },
    explain: (error, what) => azureError(error, callOf(what)),
  };
}

/** Only ARM itself gets the token again. */
function nextLinkOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('nextLink' in body)) return undefined;
  const { nextLink } = body;
  if (typeof nextLink !== 'string' || nextLink === '') return undefined;
  const url = URL.parse(nextLink);
  if (url?.protocol === 'https:' && url.host === armHost) return url.href;
  throw new AmlpromoteError('CONTENT_INVALID', `${armHost} sends the next page of a listing to another host`);
}
