import type { ContainerClient } from '@azure/storage-blob';
import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import { azureError, faultOf } from '../../network/azure-error.ts';
import type { Datastore } from '../../ports/workspace.ts';
import { createWorkspaceArm } from './arm.ts';
import { bestEffort } from './best-effort.ts';
import type { BlobDatastore } from './default-datastore.ts';
import { datastoreUri, defaultDatastore, namedDatastore, parseDatastoreUri } from './default-datastore.ts';
import type { WorkspaceOptions } from './options.ts';

type AbortOptions = () => { abortSignal?: AbortSignal };

/** Blobs of one output that are looked at. */
const maxListed = 1000;

/**
 * The workspace's default datastore, a blob container, with the zone's own identity (no account key, no SAS).
 * @throws FORBIDDEN, NETWORK_DENIED, NOT_FOUND, UNSUPPORTED, INTEGRITY_MISMATCH (upload) and as `azureError`
 */
export function createDatastore(options: WorkspaceOptions): Datastore {
  const arm = createWorkspaceArm(options);
  const stores = new Map<string, Promise<ContainerClient>>();
  let found: Promise<BlobDatastore> | undefined;

  const open = async (store: BlobDatastore): Promise<ContainerClient> => {
    const { BlobServiceClient } = await import('@azure/storage-blob');
    const pipelineOptions = {
      agent: options.agent,
      retryOptions: {
        maxTries: (options.retry?.maxRetries ?? 3) + 1,
        retryDelayInMs: options.retry?.retryDelayInMs ?? 1000,
        tryTimeoutInMs: 60_000,
      },
    };
    return new BlobServiceClient(
      `https://${store.host}`,
      options.credential,
      pipelineOptions,
    ).getContainerClient(store.container);
  };
  const containerOf = async (store: BlobDatastore): Promise<ContainerClient> => {
    const known = stores.get(store.name) ?? open(store);
    stores.set(store.name, known);
    return known;
  };
  const explain = (error: unknown, store: BlobDatastore, what: string): AmlpromoteError =>
    azureError(error, {
      what: `datastore ${store.name}: ${what}`,
      host: store.host,
      role: { name: 'Storage Blob Data Contributor', scope: `the storage account of ${store.host}` },
      agent: options.agent,
      signal: options.signal,
    });
  /** A new object each time: the SDK writes into the options that it is given, `conditions` too. */
  const abort: AbortOptions = () => (options.signal ? { abortSignal: options.signal } : {});

  return {
    upload: async (path, bytes) => {
      const store = await (found ??= defaultDatastore(arm));
      const what = `uploading ${path}`;
      try {
        const blob = (await containerOf(store)).getBlockBlobClient(path);
        try {
          await blob.uploadData(Buffer.from(bytes), { ...abort(), conditions: { ifNoneMatch: '*' } });
        } catch (error) {
          const { status, code } = faultOf(error);
          if (!(status === 409 && code === 'BlobAlreadyExists') && status !== 412) throw error;
          const { contentLength } = await blob.getProperties(abort());
          const same =
            contentLength === bytes.byteLength &&
            (bytes.byteLength === 0 ||
              (await blob.downloadToBuffer(0, bytes.byteLength, abort())).equals(bytes));
          if (!same) throw otherContent(store, path);
        }
      } catch (error) {
        throw explain(error, store, what);
      }
      return datastoreUri(store.name, path);
    },

    readOutput: async (uri, maxBytes) => {
      const place = parseDatastoreUri(uri);
      if (!place) return undefined;
      return bestEffort(options.signal, async () => {
        const store = await namedDatastore(arm, place.datastore);
        return store && readBlobs(await containerOf(store), place.path, maxBytes, abort);
      });
    },

    uriOf: async (path) => {
      try {
        return datastoreUri((await (found ??= defaultDatastore(arm))).name, path);
      } catch (error) {
        // Without the right to see datastores the service decides where outputs go.
        if (isInconclusive(error)) return undefined;
        throw error;
      }
    },
  };
}

/** Names relative to the output; the last one may be cut off where `maxBytes` ends, later ones are empty. */
async function readBlobs(
  container: ContainerClient,
  path: string,
  maxBytes: number,
  abort: AbortOptions,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let left = maxBytes;
  for await (const item of container.listBlobsFlat({ ...abort(), prefix: path })) {
    if (files.size >= maxListed) break;
    const name = nameWithin(path, item.name);
    if (name === undefined) continue;
    const size = Math.min(item.properties.contentLength ?? 0, left);
    left -= size;
    const bytes =
      size === 0
        ? new Uint8Array()
        : await container.getBlobClient(item.name).downloadToBuffer(0, size, abort());
    files.set(name, bytes);
  }
  return files;
}

/** `out/model/` holds `out/model/a/b`; the file `out/model` holds itself; `out/model2` is another's. */
function nameWithin(path: string, name: string): string | undefined {
  const folder = path.endsWith('/') ? path : `${path}/`;
  if (name.startsWith(folder)) return name.length > folder.length ? name.slice(folder.length) : undefined;
  return name === path ? name.slice(name.lastIndexOf('/') + 1) : undefined;
}

const otherContent = (store: BlobDatastore, path: string): AmlpromoteError =>
  new AmlpromoteError('INTEGRITY_MISMATCH', `datastore ${store.name} holds other bytes at ${path}`, {
    nextSteps: [`Find out who wrote ${path}; delete it, then run again.`],
  });
