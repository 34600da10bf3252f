import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isQuarantine } from '../../domain/names.ts';
import { faultOf } from '../../network/azure-error.ts';
import type { Inventory, Remover, StoredManifest } from '../../ports/importer.ts';
import { createMetadataClient } from './metadata-client.ts';
import type { AcrMetadataOptions } from './metadata-client.ts';

/** More manifests than this in one repository are not listed. */
const most = 20_000;

/**
 * Manifests of a repository with the time of their arrival: `GET /acr/v1/{repository}/_manifests` (azure.md, "ACR data plane").
 * @throws FORBIDDEN, INCONCLUSIVE for an endless list, and as every call of the data plane
 */
export function createAcrInventory(options: AcrMetadataOptions): Inventory {
  const metadata = createMetadataClient(options, {
    may: 'read metadata',
    role: 'Container Registry Repository Reader',
    otherwise: 'AcrPull where the registry has no repository-scoped roles',
  });
  return {
    list: async (repository) =>
      metadata(`list of the manifests of ${repository}`, async (sdk, more) => {
        const found: StoredManifest[] = [];
        try {
          for await (const one of sdk.getRepository(repository).listManifestProperties(more)) {
            if (!isDigest(one.digest)) continue;
            if (found.length >= most) throw endless(repository);
            found.push({ digest: one.digest, arrivedAt: timeOf(one.createdOn) });
          }
        } catch (error) {
          if (!(error instanceof AmlpromoteError) && faultOf(error).status === 404) return [];
          throw error;
        }
        return found;
      }),
  };
}

/**
 * Deletes manifests by digest (distribution-spec, "Deleting Manifests"), in quarantine repositories only. ACR deletes what refers
 * to a manifest with it.
 * @throws FORBIDDEN for a locked manifest or without the role, and as every call of the data plane
 */
export function createAcrRemover(options: AcrMetadataOptions): Remover {
  const metadata = createMetadataClient(options, {
    may: 'delete there',
    role: 'Container Registry Repository Contributor',
    otherwise: 'AcrDelete where the registry has no repository-scoped roles; nothing but quarantine needs it',
  });
  return {
    remove: async (repository, digest) => {
      if (!isQuarantine(repository)) throw new TypeError(`${repository} is no quarantine`);
      await metadata(`removal of ${repository}@${digest}`, async (sdk, more) => {
        try {
          await sdk.getArtifact(repository, digest).delete(more);
        } catch (error) {
          if (faultOf(error).status !== 404) throw error;
        }
      });
    },
  };
}

const timeOf = (date: Date | undefined): string | undefined =>
  date && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;

const endless = (repository: string): AmlpromoteError =>
  new AmlpromoteError('INCONCLUSIVE', `${repository} has more than ${most} manifests: they are not listed`, {
    nextSteps: [`Delete what is old in ${repository} with the tools of the registry.`],
  });
