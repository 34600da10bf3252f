import * as z from 'zod';
import { AmlpromoteError } from '../../domain/errors.ts';
import type { WorkspaceArm } from './arm.ts';
import { shaped } from './shape.ts';

/** A blob container of the workspace's storage. */
export interface BlobDatastore {
  readonly name: string;
  /** e.g. `stcontososec.blob.core.windows.net`. */
  readonly host: string;
  readonly container: string;
}

const datastoreSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/),
  properties: z.object({
    datastoreType: z.string(),
    accountName: z
      .string()
      .regex(/^[a-z0-9]{3,24}$/)
      .nullish(),
    containerName: z
      .string()
      .regex(/^[a-z0-9$][a-z0-9-]{1,62}$/)
      .nullish(),
    /** Only Azure's own clouds: the storage token goes there. */
    endpoint: z.enum(['core.windows.net', 'core.usgovcloudapi.net', 'core.chinacloudapi.cn']).nullish(),
  }),
});

/** @throws NOT_FOUND, UNSUPPORTED, CONTENT_INVALID and as ARM */
export async function defaultDatastore(arm: WorkspaceArm): Promise<BlobDatastore> {
  const what = 'looking for the default datastore';
  for await (const page of arm.list('/datastores', { isDefault: 'true' }, what)) {
    const [first] = shaped(z.object({ value: z.array(z.unknown()) }), page, what).value;
    if (first !== undefined) return blobDatastore(first, what);
  }
  throw new AmlpromoteError('NOT_FOUND', `workspace ${arm.id.name} has no default datastore`, {
    nextSteps: ['Set a blob datastore as the default of the workspace (as a rule workspaceblobstore).'],
  });
}

/** undefined when there is none of that name. */
export async function namedDatastore(arm: WorkspaceArm, name: string): Promise<BlobDatastore | undefined> {
  const what = `reading datastore ${name}`;
  const body = await arm.find(`/datastores/${name}`, what);
  return body === undefined ? undefined : blobDatastore(body, what);
}

function blobDatastore(body: unknown, what: string): BlobDatastore {
  const { name, properties } = shaped(datastoreSchema, body, what);
  const { datastoreType, accountName, containerName, endpoint } = properties;
  if (datastoreType !== 'AzureBlob' || !accountName || !containerName) {
    throw new AmlpromoteError('UNSUPPORTED', `datastore ${name} is of type ${datastoreType}, not AzureBlob`, {
      nextSteps: ['Make a blob datastore the default of the workspace, or leave smoke inputs out.'],
    });
  }
  return { name, host: `${accountName}.blob.${endpoint ?? 'core.windows.net'}`, container: containerName };
}

/** A place in a datastore, as jobs read and write it. */
export const datastoreUri = (datastore: string, path: string): string =>
  `azureml://datastores/${datastore}/paths/${path}`;

/** Takes the short form and the one with subscription and workspace; undefined for anything else. */
export function parseDatastoreUri(
  uri: string,
): { readonly datastore: string; readonly path: string } | undefined {
  const match =
    /^azureml:\/\/(?:subscriptions\/[^/]+\/resource[gG]roups\/[^/]+\/(?:providers\/Microsoft\.MachineLearningServices\/)?workspaces\/[^/]+\/)?datastores\/([A-Za-z0-9_][A-Za-z0-9_-]*)\/paths\/(.+)$/.exec(
      uri,
    );
  const [, datastore, path] = match ?? [];
  if (datastore === undefined || path === undefined) return undefined;
  if (path.split('/').some((part) => part === '.' || part === '..')) return undefined;
  return { datastore, path };
}
