import { ResponseError } from '../http.ts';

/** The error body of the distribution-spec ("Error Codes"), as ACR sends it. */
export const registryError = (
  status: number,
  code: string,
  message: string,
  detail: unknown = null,
  headers: Record<string, string> = {},
): ResponseError =>
  new ResponseError(
    {
      status,
      headers: { 'docker-distribution-api-version': 'registry/2.0', ...headers },
      body: { errors: [{ code, message, detail }] },
    },
    `${code}: ${message}`,
  );

/** What ACR answers when a lock (`changeableAttributes`) forbids the operation. */
export const disallowed = (): ResponseError =>
  registryError(
    405,
    'REGISTRY_DISALLOWED_OPERATION',
    'The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation',
    {},
  );

export const nameUnknown = (repository: string): ResponseError =>
  registryError(404, 'NAME_UNKNOWN', `repository "${repository}" is not found`, { name: repository });

export const blobUnknown = (digest: string): ResponseError =>
  registryError(404, 'BLOB_UNKNOWN', 'blob unknown to registry', { digest });

export const manifestUnknown = (reference: string): ResponseError =>
  registryError(
    404,
    'MANIFEST_UNKNOWN',
    reference.includes(':')
      ? `manifest sha256 "${reference}" is not found`
      : `manifest tagged by "${reference}" is not found`,
    reference.includes(':') ? { Revision: reference } : { Tag: reference },
  );

export const tagUnknown = (repository: string, name: string): ResponseError =>
  registryError(404, 'TAG_UNKNOWN', 'the specified tag does not exist', { name, repository });
