import type { SandboxContext } from '../context.ts';
import type { SandboxRequest, SandboxResponse } from '../http.ts';
import { requireAccess } from './access.ts';
import type { Blocks } from './blocks.ts';
import { containersBody, listBody, listQuery } from './listing.ts';
import type { SharedAccess } from './sas.ts';
import type { BlobStore } from './store.ts';
import { blobError, xmlResponse } from './xml.ts';

export interface BlobService {
  readonly context: SandboxContext;
  readonly store: BlobStore;
  readonly blocks: Blocks;
  readonly access: SharedAccess;
}

/** Operations on the account: List Containers. */
export function serviceOperation(
  { context, access, store }: BlobService,
  request: SandboxRequest,
): SandboxResponse {
  requireAccess(context, access, request, '', '', 'list');
  if (request.method === 'GET' && request.url.searchParams.get('comp') === 'list')
    return xmlResponse(200, containersBody(store.containers()));
  throw unsupported(request);
}

/** Operations on a container: List Blobs, Get Container Properties, Create Container. */
export function containerOperation(
  service: BlobService,
  request: SandboxRequest,
  container: string,
): SandboxResponse {
  const { context, access, store } = service;
  const query = request.url.searchParams;
  const isCreate = request.method === 'PUT' && query.get('comp') === null;
  requireAccess(context, access, request, container, '', isCreate ? 'container' : 'list');
  if (query.get('restype') !== 'container') throw unsupported(request);
  if (isCreate) return create(store, container);
  if (!store.hasContainer(container)) throw containerNotFound();
  if (request.method === 'GET' && query.get('comp') === 'list')
    return xmlResponse(200, listBody(container, store.all(container), listQueryOf(query)));
  if ((request.method === 'GET' || request.method === 'HEAD') && query.get('comp') === null)
    return {
      status: 200,
      headers: {
        'x-ms-lease-status': 'unlocked',
        'x-ms-lease-state': 'available',
        'x-ms-has-immutability-policy': 'false',
      },
    };
  throw unsupported(request);
}

function create(store: BlobStore, container: string): SandboxResponse {
  if (!/^(?!.*--)[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/.test(container))
    throw blobError(400, 'InvalidResourceName', 'The specified resource name contains invalid characters.');
  if (store.hasContainer(container))
    throw blobError(409, 'ContainerAlreadyExists', 'The specified container already exists.');
  store.createContainer(container);
  return { status: 201 };
}

function listQueryOf(query: URLSearchParams): ReturnType<typeof listQuery> {
  try {
    return listQuery(query);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw blobError(
      400,
      'OutOfRangeQueryParameterValue',
      'One of the query parameters specified in the request URI is outside the permissible range.',
    );
  }
}

export const containerNotFound = (): Error =>
  blobError(404, 'ContainerNotFound', 'The specified container does not exist.');

/** Parts of the API that the sandbox does not play. */
export const unsupported = (request: SandboxRequest): Error =>
  blobError(
    400,
    'InvalidQueryParameterValue',
    `The sandbox does not support ${request.method} with comp=${request.url.searchParams.get('comp') ?? ''}.`,
  );
