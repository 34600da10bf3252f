import { randomUUID } from 'node:crypto';
import type { SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../http.ts';
import { ResponseError } from '../http.ts';
import { storage } from '../topology.ts';
import { containerOperation, serviceOperation } from './container-operations.ts';
import { headerOf } from './headers.ts';
import { blobOperation } from './operations.ts';
import { blobError } from './xml.ts';

/**
 * The Blob service of the workspace's storage account: enough of its REST API for `@azure/storage-blob` unmodified.
 * Blobs are written by Put Blob and Put Block List; read, with ranges, by token or by signed URL.
 */
export function blobHandlers(context: SandboxContext): Handler[] {
  const { blobs, blocks, access } = context.workspace;
  const service = { context, store: blobs, blocks, access };
  return [
    {
      host: (host) => host === storage.blobHost,
      method: '*',
      path: /^\/([^/]*)(?:\/([^]*))?$/,
      fn: (request, [, container = '', blob = '']) =>
        answered(request, () => {
          if (container === '') return serviceOperation(service, request);
          if (blob === '') return containerOperation(service, request, container);
          return blobOperation(service, request, container, blob);
        }),
    },
  ];
}

/** Adds what every answer of the service has, also the refusals. */
async function answered(
  request: SandboxRequest,
  operation: () => Promise<SandboxResponse> | SandboxResponse,
): Promise<SandboxResponse> {
  const common = {
    'x-ms-request-id': randomUUID(),
    'x-ms-version': headerOf(request, 'x-ms-version') ?? request.url.searchParams.get('sv') ?? '2021-12-02',
    date: new Date().toUTCString(),
  };
  try {
    requireVersion(request);
    return withHeaders(await operation(), common);
  } catch (error) {
    if (error instanceof ResponseError)
      throw new ResponseError(withHeaders(forMethod(error.response, request), common), error.message);
    throw error;
  }
}

/** Bearer tokens need a service version that knows them ("Authorize with Microsoft Entra ID"). */
function requireVersion(request: SandboxRequest): void {
  const version = headerOf(request, 'x-ms-version');
  if (version === undefined && request.headers.authorization !== undefined)
    throw blobError(
      400,
      'MissingRequiredHeader',
      "An HTTP header that's mandatory for this request is not specified: x-ms-version.",
    );
  if (version !== undefined && !/^\d{4}-\d\d-\d\d$/.test(version))
    throw blobError(
      400,
      'InvalidHeaderValue',
      'The value for one of the HTTP headers is not in the correct format: x-ms-version.',
    );
}

const withHeaders = (response: SandboxResponse, headers: Record<string, string>): SandboxResponse => ({
  ...response,
  headers: { ...headers, ...response.headers },
});

/** Neither HEAD nor 304 has a body. */
const forMethod = ({ body, ...response }: SandboxResponse, { method }: SandboxRequest): SandboxResponse =>
  method === 'HEAD' || response.status === 304 || body === undefined ? response : { ...response, body };
