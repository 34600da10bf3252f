import { randomUUID } from 'node:crypto';
import type { SandboxContext } from '../context.ts';
import type { Handler, SandboxRequest } from '../http.ts';
import { storage, workspace } from '../topology.ts';
import { booleanAt } from './body.ts';
import type { JsonObject } from './body.ts';
import { badArgument, notFound, userError } from './errors.ts';
import { workspaceHandler } from './scope.ts';
import { datastoreContainers } from './uris.ts';

/** @throws ResponseError 400 for what is no JSON object; no body at all is `{}`, as older clients send none */
async function optionalBody(request: SandboxRequest): Promise<JsonObject> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length ?? 0) === 0) return {};
  const body = await request.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badArgument('The request body must be an object.');
  return body as JsonObject;
}

/** Hours that an upload address is good. */
const uploadHours = 24;

/**
 * How the workspace lets a caller into its storage: `listSecrets` of a datastore, and `startPendingUpload` of an asset's
 * files. Both hand out signatures of the workspace's own identity, so no storage role is asked for.
 */
export function accessHandlers(context: SandboxContext): Handler[] {
  const { access, blobs } = context.workspace;
  const inHours = (hours: number): Date => new Date(context.clock.now().getTime() + hours * 3600_000);
  return [
    workspaceHandler(context, {
      method: 'POST',
      path: '/datastores/([^/]+)/listSecrets',
      action: 'workspaces/datastores/listSecrets/action',
      answer: async (call) => {
        const [name = ''] = call.names;
        const container = Object.hasOwn(datastoreContainers, name) ? datastoreContainers[name] : undefined;
        if (container === undefined) throw notFound(`No datastore with name '${name}' was found.`);
        const body = await optionalBody(call.request);
        // These datastores hold no credentials: the only secret there can be is a signature that expires.
        if (booleanAt(body, 'expirableSecret') !== true)
          throw userError(
            400,
            `The datastore '${name}' has no secrets: access is by the caller's identity. Ask for an expirable secret.`,
            ['BadArgument', 'NoSecrets'],
          );
        const hours = Number(body.expireAfterHours ?? 1);
        const sasToken = access.signContainer(
          container,
          inHours(hours > 0 && hours <= 24 ? hours : 1),
          'rwl',
        );
        return { status: 200, body: { secretsType: 'Sas', sasToken } };
      },
    }),
    workspaceHandler(context, {
      method: 'POST',
      path: '/(codes|data|models)/([^/]+)/versions/([^/]+)/startPendingUpload',
      action: 'workspaces/codes/versions/write',
      answer: (call) => {
        const [kind = '', name = '', version = ''] = call.names;
        const id = randomUUID();
        // A container of its own for each upload: what was uploaded under one version is nobody else's.
        const container = id.replaceAll('-', '');
        blobs.createContainer(container);
        const blobUri = `https://${storage.blobHost}/${container}`;
        const query = access.signContainer(container, inHours(uploadHours), 'racwl');
        return {
          status: 200,
          body: {
            blobReferenceForConsumption: {
              blobUri,
              storageAccountArmId: storage.id,
              credential: { credentialType: 'SAS', sasUri: `${blobUri}?${query}` },
            },
            pendingUploadId: id,
            pendingUploadType: 'TemporaryBlobReference',
            assetId: `${workspace.id}/${kind}/${name}/versions/${version}`,
          },
        };
      },
    }),
  ];
}
