import type { Locks } from '../../ports/importer.ts';
import { createMetadataClient } from './metadata-client.ts';
import type { AcrMetadataOptions } from './metadata-client.ts';

const locked = { canDelete: false, canWrite: false } as const;
const unlocked = { canDelete: true, canWrite: true } as const;

/**
 * Delete and write protection through `PATCH /acr/v1/…` (azure.md, "ACR data plane"). A tag and the manifest behind it are locked
 * separately. Locking twice is locking once; a tag is never unlocked.
 * @throws FORBIDDEN without the right to write metadata, NOT_FOUND, NETWORK_DENIED, UNREACHABLE, UNAUTHENTICATED, THROTTLED
 */
export function createAcrLocks(options: AcrMetadataOptions): Locks {
  const metadata = createMetadataClient(options, {
    may: 'write metadata',
    role: 'Container Registry Repository Writer',
    otherwise: 'AcrPush where the registry has no repository-scoped roles',
  });
  return {
    lockManifest: async (repository, digest) =>
      metadata(`lock of ${repository}@${digest}`, async (sdk, more) => {
        await sdk.getArtifact(repository, digest).updateManifestProperties({ ...locked, ...more });
      }),
    unlockManifest: async (repository, digest) =>
      metadata(`unlock of ${repository}@${digest}`, async (sdk, more) => {
        await sdk.getArtifact(repository, digest).updateManifestProperties({ ...unlocked, ...more });
      }),
    lockTag: async (repository, tag) =>
      metadata(`lock of ${repository}:${tag}`, async (sdk, more) => {
        await sdk.getArtifact(repository, tag).updateTagProperties(tag, { ...locked, ...more });
      }),
  };
}
