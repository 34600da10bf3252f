import type { Principal } from '../context.ts';
import { hosts, workspace } from '../topology.ts';
import type { WorkspaceCall } from './scope.ts';

/** ARM's `systemData`. Times are ISO 8601, UTC. */
export interface SystemData {
  readonly createdAt: string;
  readonly createdBy: string;
  readonly createdByType: 'Application';
  readonly lastModifiedAt: string;
  readonly lastModifiedBy?: string;
  readonly lastModifiedByType?: 'Application';
}

/** The record of a write: who and when, keeping who made it first. */
export function systemData(principal: Principal, now: Date, before?: SystemData): SystemData {
  const at = now.toISOString();
  return {
    createdAt: before?.createdAt ?? at,
    createdBy: before?.createdBy ?? principal.name,
    createdByType: 'Application',
    lastModifiedAt: at,
    ...(before === undefined
      ? {}
      : { lastModifiedBy: principal.name, lastModifiedByType: 'Application' as const }),
  };
}

/** A child resource of the workspace as ARM shows it. `path` is relative: `environments/x/versions/1`. */
export const resource = (path: string, properties: object, system?: SystemData): object => {
  const parts = path.split('/');
  const type = parts.filter((_, index) => index % 2 === 0).join('/');
  return {
    id: `${workspace.id}/${path}`,
    name: parts.at(-1),
    type: `Microsoft.MachineLearningServices/workspaces/${type}`,
    properties,
    ...(system ? { systemData: system } : {}),
  };
};

/** One page of a list. `$skip` is the offset that `nextLink` carries, opaque to clients; `$top` may only lower the page size. */
export function page(call: WorkspaceCall, items: readonly object[], pageSize = 20): object {
  const query = call.request.url.searchParams;
  const offset = decodeSkip(query.get('$skip'));
  const size = Math.min(positive(query.get('$top')) ?? pageSize, pageSize);
  const value = items.slice(offset, offset + size);
  if (offset + size >= items.length) return { value };
  const next = new URLSearchParams(query);
  next.set('$skip', Buffer.from(String(offset + size)).toString('base64'));
  return { value, nextLink: `https://${hosts.arm}${call.request.url.pathname}?${next.toString()}` };
}

const decodeSkip = (skip: string | null): number =>
  skip === null ? 0 : (positive(Buffer.from(skip, 'base64').toString('utf8')) ?? 0);

const positive = (text: string | null): number | undefined =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

/** `listViewType`: `ActiveOnly` unless told otherwise. */
export function isListed(call: WorkspaceCall, archived: boolean): boolean {
  const view = call.request.url.searchParams.get('listViewType')?.toLowerCase() ?? 'activeonly';
  return view === 'all' || (view === 'archivedonly') === archived;
}
