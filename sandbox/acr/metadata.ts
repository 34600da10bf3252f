import type { Digest } from '../../src/domain/digest.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import type { Attributes, ManifestRecord, Repository, TagRecord } from '../store/repository.ts';
import { authorize, authorizeCatalog } from './access.ts';
import { disallowed, manifestUnknown, registryError, tagUnknown } from './errors.ts';
import { pageOf } from './pages.ts';
import type { Plane } from './plane.ts';
import { repositoryOf, wantedDigest } from './plane.ts';

/** ACR's own API, `/acr/v1`: what there is, since when, and the locks. */
export function metadataHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  const on = (
    method: string,
    path: RegExp,
    fn: (
      repository: Repository,
      reference: string,
      request: SandboxRequest,
    ) => Promise<SandboxResponse> | SandboxResponse,
  ): Handler => ({
    host,
    method,
    path,
    fn: (request, match) => {
      const [, name = '', reference = ''] = match;
      const action = { GET: 'metadata_read', PATCH: 'metadata_write', DELETE: 'delete' } as const;
      authorize(plane, request, name, [action[method as keyof typeof action]]);
      return fn(repositoryOf(plane, name), reference, request);
    },
  });
  const answer = (
    repository: Repository,
    rest: object,
    headers: Record<string, string> = {},
  ): SandboxResponse => ({
    status: 200,
    headers,
    body: { registry: plane.names.host, imageName: repository.data.name, ...rest },
  });
  const tags = /^\/acr\/v1\/(.+)\/_tags$/;
  const tag = /^\/acr\/v1\/(.+)\/_tags\/([^/]+)$/;
  const manifests = /^\/acr\/v1\/(.+)\/_manifests$/;
  const manifest = /^\/acr\/v1\/(.+)\/_manifests\/([^/]+)$/;
  const whole = /^\/acr\/v1\/(?!_catalog$)(.+)$/;
  return [
    {
      host,
      method: 'GET',
      path: /^\/acr\/v1\/_catalog$/,
      fn: (request) => {
        authorizeCatalog(plane, request);
        const page = pageOf(request, plane.store.repositories(), (name) => name, plane.settings().pageSize);
        return { status: 200, headers: page.headers, body: { repositories: page.items } };
      },
    },
    on('GET', tags, (repository, _, request) => {
      const digest = request.url.searchParams.get('digest');
      const all = ordered(request, Object.entries(repository.data.tags)).filter(
        ([, record]) => digest === null || record.digest === digest,
      );
      const page = pageOf(request, all, ([name]) => name, plane.settings().pageSize);
      return answer(
        repository,
        { tags: page.items.map(([name, record]) => tagBody(name, record)) },
        page.headers,
      );
    }),
    on('GET', tag, (repository, name) => {
      const record = repository.tag(name);
      if (!record) throw tagUnknown(repository.data.name, name);
      return answer(repository, { tag: tagBody(name, record) });
    }),
    on('PATCH', tag, async (repository, name, request) => {
      const before = repository.tag(name);
      if (!before) throw tagUnknown(repository.data.name, name);
      repository.setTagAttributes(name, await changed(request, before.attributes));
      return answer(repository, { tag: tagBody(name, repository.tag(name) ?? before) });
    }),
    on('DELETE', tag, (repository, name) => {
      const record = repository.tag(name);
      if (!record) throw tagUnknown(repository.data.name, name);
      checkDeletable(repository.data.attributes, record.attributes);
      repository.deleteTag(name);
      return { status: 202 };
    }),
    on('GET', manifests, (repository, _, request) => {
      const all = ordered(request, Object.entries(repository.data.manifests)) as [Digest, ManifestRecord][];
      const page = pageOf(request, all, ([digest]) => digest, plane.settings().pageSize);
      const bodies = page.items.map(([digest, record]) => manifestBody(repository, digest, record));
      return answer(repository, { manifests: bodies }, page.headers);
    }),
    on('GET', manifest, (repository, reference) => {
      const digest = wantedDigest(reference, manifestUnknown);
      const record = repository.manifest(digest);
      if (!record) throw manifestUnknown(reference);
      return answer(repository, { manifest: manifestBody(repository, digest, record) });
    }),
    on('PATCH', manifest, async (repository, reference, request) => {
      const digest = wantedDigest(reference, manifestUnknown);
      const before = repository.manifest(digest);
      if (!before) throw manifestUnknown(reference);
      repository.setManifestAttributes(digest, await changed(request, before.attributes));
      const after = repository.manifest(digest) ?? before;
      return answer(repository, { manifest: manifestBody(repository, digest, after) });
    }),
    on('GET', whole, (repository) => answer(repository, repositoryBody(repository))),
    on('PATCH', whole, async (repository, _, request) => {
      repository.setAttributes(await changed(request, repository.data.attributes));
      return answer(repository, repositoryBody(repository));
    }),
    on('DELETE', whole, (repository) => {
      const { attributes, manifests: held, tags: named } = repository.data;
      for (const each of [...Object.values(held), ...Object.values(named)])
        checkDeletable(attributes, each.attributes);
      plane.store.remove(repository.data.name);
      const body = { manifestsDeleted: Object.keys(held), tagsDeleted: Object.keys(named) };
      return { status: 202, body };
    }),
  ];
}

function checkDeletable(...all: readonly Attributes[]): void {
  if (all.some((each) => !each.deleteEnabled || !each.writeEnabled)) throw disallowed();
}

const attributeNames = ['deleteEnabled', 'writeEnabled', 'listEnabled', 'readEnabled'] as const;

async function changed(request: SandboxRequest, before: Attributes): Promise<Attributes> {
  const body = await request.json();
  if (typeof body !== 'object' || body === null)
    throw registryError(400, 'UNSUPPORTED', 'changeable attributes are an object');
  const after: Record<string, boolean> = { ...before };
  for (const name of attributeNames) {
    const value = (body as Record<string, unknown>)[name];
    if (typeof value === 'boolean') after[name] = value;
  }
  return after as unknown as Attributes;
}

/** By name, or by time of the last change as `orderby` asks. */
function ordered<T extends { readonly lastUpdateTime: string }>(
  request: SandboxRequest,
  entries: [string, T][],
): [string, T][] {
  const orderby = request.url.searchParams.get('orderby');
  const byName = (a: [string, T], b: [string, T]): number => (a[0] < b[0] ? -1 : 1);
  const byTime = (a: [string, T], b: [string, T]): number =>
    a[1].lastUpdateTime === b[1].lastUpdateTime
      ? byName(a, b)
      : a[1].lastUpdateTime < b[1].lastUpdateTime
        ? -1
        : 1;
  if (orderby === 'timeasc') return entries.sort(byTime);
  if (orderby === 'timedesc') return entries.sort((a, b) => byTime(b, a));
  return entries.sort(byName);
}

const tagBody = (name: string, record: TagRecord): object => ({
  name,
  digest: record.digest,
  createdTime: record.createdTime,
  lastUpdateTime: record.lastUpdateTime,
  signed: false,
  changeableAttributes: record.attributes,
});

const manifestBody = (repository: Repository, digest: Digest, record: ManifestRecord): object => ({
  digest,
  imageSize: record.imageSize,
  createdTime: record.createdTime,
  lastUpdateTime: record.lastUpdateTime,
  architecture: record.architecture,
  os: record.os,
  mediaType: record.mediaType,
  configMediaType: record.configMediaType,
  artifactType: record.artifactType,
  tags: repository.tagsOf(digest),
  changeableAttributes: record.attributes,
});

const repositoryBody = (repository: Repository): object => ({
  createdTime: repository.data.createdTime,
  lastUpdateTime: repository.data.lastUpdateTime,
  manifestCount: Object.keys(repository.data.manifests).length,
  tagCount: Object.keys(repository.data.tags).length,
  changeableAttributes: repository.data.attributes,
});
