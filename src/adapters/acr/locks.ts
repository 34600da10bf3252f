import type https from 'node:https';
import type { TokenCredential } from '@azure/identity';
import { AmlpromoteError } from '../../domain/errors.ts';
import { azureError, faultOf, tellFault } from '../../network/azure-error.ts';
import type { Locks } from '../../ports/importer.ts';

export interface AcrLocksOptions {
  readonly host: string;
  /** ARM id, for the advice on roles. */
  readonly registryId: string;
  readonly credential: TokenCredential;
  readonly agent: https.Agent;
  readonly signal?: AbortSignal;
  readonly retry?: { readonly maxRetries: number; readonly retryDelayInMs: number };
}

const locked = { canDelete: false, canWrite: false } as const;
const unlocked = { canDelete: true, canWrite: true } as const;

/**
 * Delete and write protection through `PATCH /acr/v1/…` (azure.md, "ACR data plane"). A tag and the manifest behind it are locked
 * separately. Locking twice is locking once.
 * @throws FORBIDDEN without the right to write metadata, NOT_FOUND, NETWORK_DENIED, UNREACHABLE, UNAUTHENTICATED, THROTTLED
 */
export function createAcrLocks(options: AcrLocksOptions): Locks {
  const { host, agent, signal } = options;
  let client: ReturnType<typeof load> | undefined;
  const load = async () => {
    const sdk = await import('@azure/container-registry');
    return new sdk.ContainerRegistryClient(`https://${host}`, options.credential, {
      agent,
      ...(options.retry ? { retryOptions: options.retry } : {}),
    });
  };
  const patch = async (
    what: string,
    change: (sdk: Awaited<ReturnType<typeof load>>, more: { abortSignal?: AbortSignal }) => Promise<unknown>,
  ): Promise<void> => {
    try {
      client ??= load();
      await change(await client, signal ? { abortSignal: signal } : {});
    } catch (error) {
      throw lockError(error, what, options);
    }
  };
  return {
    lockManifest: async (repository, digest) =>
      patch(`lock of ${repository}@${digest}`, async (sdk, more) =>
        sdk.getArtifact(repository, digest).updateManifestProperties({ ...locked, ...more }),
      ),
    unlockManifest: async (repository, digest) =>
      patch(`unlock of ${repository}@${digest}`, async (sdk, more) =>
        sdk.getArtifact(repository, digest).updateManifestProperties({ ...unlocked, ...more }),
      ),
    lockTag: async (repository, tag) =>
      patch(`lock of ${repository}:${tag}`, async (sdk, more) =>
        sdk.getArtifact(repository, tag).updateTagProperties(tag, { ...locked, ...more }),
      ),
    unlockTag: async (repository, tag) =>
      patch(`unlock of ${repository}:${tag}`, async (sdk, more) =>
        sdk.getArtifact(repository, tag).updateTagProperties(tag, { ...unlocked, ...more }),
      ),
  };
}

/** ACR answers a missing right with 401, like a bad identity; but then the Entra token was exchanged before. */
function lockError(error: unknown, what: string, options: AcrLocksOptions): AmlpromoteError {
  const fault = faultOf(error);
  const role = { name: 'Container Registry Repository Writer', scope: options.registryId };
  if (!(error instanceof AmlpromoteError) && fault.status === 401 && !isExchange(error)) {
    return new AmlpromoteError(
      'FORBIDDEN',
      `${what}: the identity may not write metadata (${tellFault(fault)})`,
      {
        nextSteps: [
          `Grant the identity the role "${role.name}" on ${role.scope} (AcrPush where the registry has no repository-scoped roles).`,
        ],
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
