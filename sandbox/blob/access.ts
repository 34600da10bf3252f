import type { SandboxContext } from '../context.ts';
import type { SandboxRequest } from '../http.ts';
import { ResponseError } from '../http.ts';
import { audiences, storage, tenant } from '../topology.ts';
import type { SharedAccess } from './sas.ts';
import { blobError } from './xml.ts';

export type BlobAction = 'read' | 'write' | 'delete' | 'list' | 'container';

const actions: Readonly<Record<BlobAction, string>> = {
  read: 'containers/blobs/read',
  write: 'containers/blobs/write',
  delete: 'containers/blobs/delete',
  list: 'containers/blobs/read',
  container: 'containers/write',
};

/** Letters of a signature that allow an action ("Permissions for a directory, container, or blob"); none for making containers. */
const permitted: Readonly<Record<BlobAction, readonly string[]>> = {
  read: ['r'],
  write: ['w', 'c', 'a'],
  delete: ['d'],
  list: ['l'],
  container: [],
};

/**
 * Signature or token, then role. The storage firewall has let the request through already.
 * @param blob '' for an operation on a container or the account
 * @throws 401 | 403 as XML
 */
export function requireAccess(
  context: SandboxContext,
  access: SharedAccess,
  request: SandboxRequest,
  container: string,
  blob: string,
  action: BlobAction,
): void {
  const verdict = access.check(request.url.searchParams, container, blob, context.clock.now());
  if (verdict?.ok === false)
    throw blobError(
      403,
      'AuthenticationFailed',
      `Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. ${verdict.detail}`,
    );
  if (verdict) {
    if (!permitted[action].some((letter) => verdict.permissions.includes(letter)))
      throw blobError(
        403,
        'AuthorizationPermissionMismatch',
        'This request is not authorized to perform this operation using this permission.',
      );
    return;
  }
  requireRole(context, request, action);
}

function requireRole(context: SandboxContext, request: SandboxRequest, action: BlobAction): void {
  const principal = asXml(() => context.principalOf(request, audiences.storage));
  const allowed = context.roles.allows(
    principal.name,
    storage.id,
    `Microsoft.Storage/storageAccounts/blobServices/${actions[action]}`,
  );
  if (!allowed)
    throw blobError(
      403,
      'AuthorizationPermissionMismatch',
      'This request is not authorized to perform this operation using this permission.',
    );
}

/** The same refusals as everywhere, in this service's own words and format. */
function asXml<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ResponseError) || error.response.status !== 401) throw error;
    throw blobError(
      401,
      error.message.includes('header is missing')
        ? 'NoAuthenticationInformation'
        : 'InvalidAuthenticationInfo',
      'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
      {
        'www-authenticate': `Bearer authorization_uri=https://login.microsoftonline.com/${tenant}/oauth2/authorize resource_id=${audiences.storage}`,
      },
    );
  }
}
