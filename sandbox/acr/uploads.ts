import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../../src/domain/digest.ts';
import { isDigest } from '../../src/domain/digest.ts';
import { isRepositoryName } from '../../src/domain/names.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import type { Repository } from '../store/repository.ts';
import type { Upload } from '../store/uploads.ts';
import { authorizePush, mayPull } from './access.ts';
import { disallowed, registryError } from './errors.ts';
import type { Plane } from './plane.ts';
import { checkName, digestOf } from './plane.ts';

const writes = new Set(['PATCH', 'PUT']);

/** distribution-spec, "Pushing blobs": monolithic, chunked, resumed, mounted. */
export function uploadHandlers(plane: Plane): Handler[] {
  const host = (name: string): boolean => name === plane.names.host;
  const path = /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/;
  const open = (
    request: SandboxRequest,
    match: RegExpExecArray,
  ): { repository: Repository; upload: Upload } => {
    const [, name = '', id = ''] = match;
    authorizePush(plane, request, name);
    const upload = plane.store.uploads.find(checkName(name), id);
    if (!request.url.searchParams.has('_state') && writes.has(request.method))
      throw registryError(400, 'BLOB_UPLOAD_INVALID', 'the upload address was not used as it was given');
    if (!upload) throw registryError(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry', { id });
    return { repository: writable(plane, name), upload };
  };
  return [
    {
      host,
      method: 'POST',
      path: /^\/v2\/(.+)\/blobs\/uploads\/?$/,
      fn: (request, match) => start(plane, request, match[1] ?? ''),
    },
    {
      host,
      method: 'GET',
      path,
      fn: async (request, match) => {
        const { repository, upload } = open(request, match);
        // Not for ever: another request may well be writing.
        await Promise.race([upload.idle(), delay(1000, undefined, { ref: false })]);
        return { status: 204, headers: progress(repository, upload) };
      },
    },
    {
      host,
      method: 'PATCH',
      path,
      fn: async (request, match) => {
        const { repository, upload } = open(request, match);
        await receive(request, upload);
        return { status: 202, headers: progress(repository, upload) };
      },
    },
    {
      host,
      method: 'PUT',
      path,
      fn: async (request, match) => {
        const { repository, upload } = open(request, match);
        const digest = digestOf(request.url.searchParams.get('digest') ?? '');
        await receive(request, upload);
        return finish(plane, repository, upload, digest);
      },
    },
    {
      host,
      method: 'DELETE',
      path,
      fn: (request, match) => {
        plane.store.uploads.drop(open(request, match).upload);
        return { status: 204 };
      },
    },
  ];
}

function writable(plane: Plane, name: string): Repository {
  const repository = plane.store.ensure(checkName(name));
  if (!repository.data.attributes.writeEnabled) throw disallowed();
  return repository;
}

async function start(plane: Plane, request: SandboxRequest, name: string): Promise<SandboxResponse> {
  authorizePush(plane, request, name);
  const repository = writable(plane, name);
  const query = request.url.searchParams;
  const mounted = mount(plane, request, repository, query.get('mount'), query.get('from'));
  if (mounted) return created(repository, mounted);
  const upload = plane.store.uploads.start(name);
  const digest = query.get('digest');
  if (digest === null) return { status: 202, headers: progress(repository, upload) };
  await receive(request, upload);
  return finish(plane, repository, upload, digestOf(digest));
}

/** A mount that cannot be is not an error: the answer is an upload session (distribution-spec, "Mounting a blob"). */
function mount(
  plane: Plane,
  request: SandboxRequest,
  repository: Repository,
  digest: string | null,
  from: string | null,
): Digest | undefined {
  if (digest === null || from === null || !isRepositoryName(from)) return undefined;
  const wanted = isDigest(digest) ? digest : undefined;
  if (wanted === undefined) return undefined;
  if (!mayPull(plane, request, from)) return undefined;
  if (plane.store.repository(from)?.hasBlob(wanted) !== true) return undefined;
  repository.addBlob(wanted);
  return wanted;
}

/** @throws ResponseError 416 when the chunk does not begin where the upload stands */
async function receive(request: SandboxRequest, upload: Upload): Promise<void> {
  await upload.idle();
  const start = /^(?:bytes )?(\d+)-\d+/.exec(request.headers['content-range'] ?? '')?.[1];
  if (start !== undefined && Number(start) !== upload.offset)
    throw registryError(416, 'BLOB_UPLOAD_INVALID', 'the chunk is out of order', null, {
      range: `0-${Math.max(0, upload.offset - 1)}`,
    });
  await upload.append(request.body);
}

async function finish(
  plane: Plane,
  repository: Repository,
  upload: Upload,
  digest: Digest,
): Promise<SandboxResponse> {
  const found = await upload.digest();
  if (found !== digest) {
    plane.store.uploads.drop(upload);
    throw registryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', { digest });
  }
  plane.store.blobs.adopt(upload.path, digest);
  plane.store.uploads.drop(upload);
  repository.addBlob(digest);
  return created(repository, digest);
}

const created = (repository: Repository, digest: Digest): SandboxResponse => ({
  status: 201,
  headers: {
    location: `/v2/${repository.data.name}/blobs/${digest}`,
    'docker-content-digest': digest,
    'content-length': '0',
  },
});

/** ACR's address carries a state that clients must hand back as it is. */
const progress = (repository: Repository, upload: Upload): Record<string, string> => ({
  location: `/v2/${repository.data.name}/blobs/uploads/${upload.id}?_nouploadcache=false&_state=${encodeURIComponent(
    Buffer.from(`${upload.id}:${upload.offset}`).toString('base64'),
  )}`,
  range: `0-${Math.max(0, upload.offset - 1)}`,
  'docker-upload-uuid': upload.id,
});
