import type https from 'node:https';
import type { ContainerRegistryClient } from '@azure/container-registry';
import type { TokenCredential } from '@azure/identity';
import { AmlpromoteError } from '../../domain/errors.ts';
import { azureError, faultOf, tellFault } from '../../network/azure-error.ts';

export interface AcrMetadataOptions {
  readonly host: string;
  /** ARM id, for the advice on roles. */
  readonly registryId: string;
  readonly credential: TokenCredential;
  readonly agent: https.Agent;
  readonly signal?: AbortSignal;
  readonly retry?: { readonly maxRetries: number; readonly retryDelayInMs: number };
}

/** What the identity needs a role for, in words of an error. */
export interface Need {
  /** "write metadata" */
  readonly may: string;
  readonly role: string;
  /** The role where the first one does not exist. */
  readonly otherwise: string;
}

export type MetadataCall = <T>(
  what: string,
  call: (sdk: ContainerRegistryClient, more: { abortSignal?: AbortSignal }) => Promise<T>,
) => Promise<T>;

/**
 * ACR's own data plane (azure.md, "ACR data plane") by its SDK, which is loaded at the first call.
 * @throws FORBIDDEN without the role, NOT_FOUND, NETWORK_DENIED, UNREACHABLE, UNAUTHENTICATED, THROTTLED
 */
export function createMetadataClient(options: AcrMetadataOptions, need: Need): MetadataCall {
  let client: Promise<ContainerRegistryClient> | undefined;
  const load = async (): Promise<ContainerRegistryClient> => {
    const sdk = await import('@azure/container-registry');
    return new sdk.ContainerRegistryClient(`https://${options.host}`, options.credential, {
      agent: options.agent,
      ...(options.retry ? { retryOptions: options.retry } : {}),
    });
  };
  return async (what, call) => {
    try {
      client ??= load();
      return await call(await client, options.signal ? { abortSignal: options.signal } : {});
    } catch (error) {
      throw metadataError(error, what, options, need);
    }
  };
}

/** ACR answers a missing right with 401, like a bad identity; but then the Entra token was exchanged before. */
function metadataError(
  error: unknown,
  what: string,
  options: AcrMetadataOptions,
  need: Need,
): AmlpromoteError {
  const fault = faultOf(error);
  const role = { name: need.role, scope: options.registryId };
  if (!(error instanceof AmlpromoteError) && fault.status === 401 && !isExchange(error)) {
    return new AmlpromoteError(
      'FORBIDDEN',
      `${what}: the identity may not ${need.may} (${tellFault(fault)})`,
      {
        nextSteps: [`Grant the identity the role "${role.name}" on ${role.scope} (${need.otherwise}).`],
        cause: error,
      },
    );
  }
  return azureError(error, { what, host: options.host, role, agent: options.agent, signal: options.signal });
}

function isExchange(error: unknown): boolean {
  const request: unknown = error instanceof Error && 'request' in error ? error.request : undefined;
  if (typeof request !== 'object' || request === null || !('url' in request)) return false;
  return typeof request.url === 'string' && request.url.includes('/oauth2/exchange');
}
