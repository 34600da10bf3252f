import type { SandboxRequest, SandboxResponse } from '../http.ts';
import { requireAccess } from './access.ts';
import type { BlobService } from './container-operations.ts';
import { containerNotFound, unsupported } from './container-operations.ts';
import { blobHeaders, headerOf, httpDate, propertiesOf, rangeOf, requireConditions } from './headers.ts';
import type { BlobRecord } from './store.ts';
import { blobError, element, xmlResponse } from './xml.ts';

type Operation = (
  service: BlobService,
  request: SandboxRequest,
  container: string,
  name: string,
) => Promise<SandboxResponse> | SandboxResponse;

/**
 * Put Blob, Put Block, Put Block List, Set Blob Metadata, Set Blob Properties, Get Blob, Get Blob Properties, Get Blob
 * Metadata, Delete Blob.
 */
export function blobOperation(
  service: BlobService,
  request: SandboxRequest,
  container: string,
  name: string,
): Promise<SandboxResponse> | SandboxResponse {
  const comp = request.url.searchParams.get('comp') ?? '';
  const operation = operations[`${request.method} ${comp}`.trim()];
  if (!operation) throw unsupported(request);
  const action = request.method === 'PUT' ? 'write' : request.method === 'DELETE' ? 'delete' : 'read';
  requireAccess(service.context, service.access, request, container, name, action);
  if (!service.store.hasContainer(container)) throw containerNotFound();
  return operation(service, request, container, name);
}

const putBlob: Operation = async ({ store }, request, container, name) => {
  requireName(name);
  const type = headerOf(request, 'x-ms-blob-type');
  if (type !== 'BlockBlob')
    throw blobError(
      400,
      'InvalidHeaderValue',
      `The sandbox stores block blobs, not ${type ?? 'untyped ones'}.`,
    );
  requireConditions(request, store.get(container, name));
  const received = await store.receive(container, request.body);
  const claimed = headerOf(request, 'x-ms-blob-content-md5') ?? headerOf(request, 'content-md5');
  if (claimed !== undefined && claimed !== received.md5) {
    store.discard(container, received);
    throw blobError(
      400,
      'Md5Mismatch',
      'The MD5 value specified in the request did not match with the MD5 value calculated by the server.',
    );
  }
  return created(store.commit(container, name, received, propertiesOf(request)));
};

const putBlock: Operation = async ({ store, blocks }, request, container, name) => {
  requireName(name);
  const id = request.url.searchParams.get('blockid') ?? '';
  if (!/^[A-Za-z0-9+/]{1,88}={0,2}$/.test(id))
    throw blobError(
      400,
      'InvalidQueryParameterValue',
      'Value for one of the query parameters specified in the request URI is invalid: blockid.',
    );
  blocks.stage(container, name, id, await store.receive(container, request.body));
  return { status: 201, headers: { 'x-ms-request-server-encrypted': 'true' } };
};

const putBlockList: Operation = async ({ store, blocks }, request, container, name) => {
  requireConditions(request, store.get(container, name));
  const xml = (await request.bytes()).toString('utf8');
  const ids = [...xml.matchAll(/<(Latest|Uncommitted|Committed)>([^<]*)<\/\1>/g)].map(([, , id = '']) =>
    id.trim(),
  );
  const record = await blocks.commit(container, name, ids, propertiesOf(request));
  if (!record) throw blobError(400, 'InvalidBlockList', 'The specified block list is invalid.');
  return created(record);
};

const getBlockList: Operation = ({ blocks }, _request, container, name) => {
  const staged = [...blocks.staged(container, name)].map(
    ([id, { size }]) => `<Block>${element('Name', id)}${element('Size', String(size))}</Block>`,
  );
  return xmlResponse(
    200,
    `<BlockList><CommittedBlocks /><UncommittedBlocks>${staged.join('')}</UncommittedBlocks></BlockList>`,
  );
};

const getBlob: Operation = async (service, request, container, name) => {
  const blob = found(service, container, name);
  requireConditions(request, blob);
  const range = rangeOf(request, blob.size);
  const { start, end } = range ?? { start: 0, end: blob.size - 1 };
  const body = await service.store.read(container, blob, start, end);
  return {
    status: range ? 206 : 200,
    headers: {
      ...blobHeaders(blob),
      'content-length': String(end - start + 1),
      ...(range ? { 'content-range': `bytes ${start}-${end}/${blob.size}` } : {}),
      ...(blob.md5 === undefined ? {} : { [range ? 'x-ms-blob-content-md5' : 'content-md5']: blob.md5 }),
    },
    body,
  };
};

const headBlob: Operation = (service, request, container, name) => {
  const blob = found(service, container, name);
  requireConditions(request, blob);
  return {
    status: 200,
    headers: {
      ...blobHeaders(blob),
      'content-length': String(blob.size),
      ...(blob.md5 === undefined ? {} : { 'content-md5': blob.md5 }),
    },
  };
};

/** Set Blob Metadata: what is not sent is gone. */
const putMetadata: Operation = (service, request, container, name) => {
  const blob = found(service, container, name);
  requireConditions(request, blob);
  const { metadata } = propertiesOf(request);
  return changed(service.store.describe(container, blob, { metadata }));
};

/** Set Blob Properties. */
const putProperties: Operation = (service, request, container, name) => {
  const blob = found(service, container, name);
  requireConditions(request, blob);
  const contentType = headerOf(request, 'x-ms-blob-content-type') ?? 'application/octet-stream';
  return changed(service.store.describe(container, blob, { contentType }));
};

const changed = (blob: BlobRecord): SandboxResponse => ({
  status: 200,
  headers: { etag: blob.etag, 'last-modified': httpDate(blob.modifiedAt), 'content-length': '0' },
});

const getMetadata: Operation = (service, request, container, name) => {
  const blob = found(service, container, name);
  requireConditions(request, blob);
  return { status: 200, headers: { ...blobHeaders(blob), 'content-length': '0' } };
};

const deleteBlob: Operation = (service, request, container, name) => {
  requireConditions(request, found(service, container, name));
  service.store.remove(container, name);
  return { status: 202, headers: { 'x-ms-delete-type-permanent': 'true' } };
};

const operations: Readonly<Record<string, Operation>> = {
  PUT: putBlob,
  'PUT block': putBlock,
  'PUT blocklist': putBlockList,
  'GET blocklist': getBlockList,
  'PUT metadata': putMetadata,
  'PUT properties': putProperties,
  'GET metadata': getMetadata,
  'HEAD metadata': getMetadata,
  GET: getBlob,
  HEAD: headBlob,
  DELETE: deleteBlob,
};

function found({ store }: BlobService, container: string, name: string): BlobRecord {
  const blob = store.get(container, name);
  if (!blob) throw blobError(404, 'BlobNotFound', 'The specified blob does not exist.');
  return blob;
}

const created = (blob: BlobRecord): SandboxResponse => ({
  status: 201,
  headers: {
    etag: blob.etag,
    'last-modified': httpDate(blob.modifiedAt),
    'x-ms-request-server-encrypted': 'true',
    ...(blob.md5 === undefined ? {} : { 'content-md5': blob.md5 }),
  },
});

/** At most 1,024 characters, none of them a control character; no `.` or `..` segment. */
function requireName(name: string): void {
  const segments = name.split('/');
  if (name.length > 1024 || /\p{Cc}/u.test(name) || segments.some((part) => part === '.' || part === '..'))
    throw blobError(400, 'InvalidUri', 'The requested URI does not represent any resource on the server.');
}
