import { azureError } from '../http.ts';
import type { SandboxRequest, ResponseError } from '../http.ts';

/** Every ARM call names its version. @throws ResponseError 400 */
export function requireApiVersion(request: SandboxRequest): string {
  const version = request.url.searchParams.get('api-version');
  if (version !== null && /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return version;
  throw version === null
    ? azureError(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      )
    : azureError(400, 'InvalidApiVersionParameter', `The api-version '${version}' is invalid.`);
}

/** What ARM says of a resource that is not there. */
export const resourceNotFound = (type: string, name: string, group: string): ResponseError =>
  azureError(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

/** Of something that hangs on a resource. */
export const childNotFound = (what: string): ResponseError =>
  azureError(404, 'ResourceNotFound', `The requested resource '${what}' was not found.`);
