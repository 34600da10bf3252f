import { AmlpromoteError } from '../../domain/errors.ts';
import { isRepositoryName } from '../../domain/names.ts';
import type { Registry, Repository } from '../../ports/content.ts';
import { hasBlob, openBlob } from './blobs.ts';
import type { Client } from './client.ts';
import { createClient } from './client.ts';
import { putManifest, readManifest, resolveManifest } from './manifests.ts';
import type { RegistryOptions } from './options.ts';
import type { ListLocks } from './referrers.ts';
import { enterReferrer, listReferrers } from './referrers.ts';
import { listTags } from './tags.ts';
import { uploadBlob } from './uploads.ts';

export type { RegistryOptions } from './options.ts';

/**
 * A registry over OCI distribution 1.1, with ACR's token exchange. No request is made before the first call.
 * @throws USAGE for plain http beyond loopback, or an Entra ID token for a host that is not ACR
 */
export function createRegistry(options: RegistryOptions): Registry {
  const client = createClient(options);
  const locks: ListLocks = new Map();
  return {
    host: options.host,
    repository(name) {
      if (isRepositoryName(name)) return createRepository(client, name, locks);
      throw new AmlpromoteError('USAGE', `${JSON.stringify(name.slice(0, 260))} is not a repository name`);
    },
  };
}

function createRepository(client: Client, name: string, locks: ListLocks): Repository {
  return {
    name,
    resolve: async (reference) => resolveManifest(client, name, reference),
    manifest: async (reference) => readManifest(client, name, reference),
    blob: async (descriptor) => openBlob(client, name, descriptor),
    referrers: async (subject, artifactType) => listReferrers(client, name, subject, artifactType),
    hasBlob: async (descriptor) => hasBlob(client, name, descriptor),
    pushBlob: async (descriptor, open, options = {}) =>
      uploadBlob({ client, repository: name, descriptor, open, options }),
    async pushManifest(content, tag) {
      const { subjectKept } = await putManifest(client, name, content, tag);
      if (!subjectKept) await enterReferrer(client, name, content, locks);
    },
    tags: async () => listTags(client, name),
  };
}
