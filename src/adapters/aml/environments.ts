import * as z from 'zod';
import { sameArmId } from '../../domain/arm-id.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { faultOf, tellFault } from '../../network/azure-error.ts';
import { isPage } from '../../network/causes.ts';
import type { EnvironmentRequest, Environments } from '../../ports/workspace.ts';
import { createWorkspaceArm } from './arm.ts';
import { passingConflict } from './conflict.ts';
import type { WorkspaceOptions } from './options.ts';
import { requestTimeoutMs } from './options.ts';
import { rawSchema, shaped } from './shape.ts';

const stringMap = z.record(z.string(), z.string().nullable()).nullish();

const versionSchema = z.object({
  id: z.string(),
  properties: z.object({
    image: z.string().nullish(),
    /** Built by the workspace from a Dockerfile: then `image` proves nothing. */
    build: z.unknown().optional(),
    isArchived: z.boolean().nullish(),
    tags: stringMap,
    properties: stringMap,
  }),
});

/**
 * Environment versions of one workspace: written through `@azure/arm-machinelearning`, read back raw.
 * @throws NOT_FOUND for the workspace, FORBIDDEN, VERSION_CONFLICT (create, when the version is there), and as `azureError`
 */
export function createEnvironments(options: WorkspaceOptions): Environments {
  const arm = createWorkspaceArm(options);
  let client: ReturnType<typeof load> | undefined;
  const load = async () => {
    const sdk = await import('@azure/arm-machinelearning');
    return new sdk.AzureMachineLearningWorkspaces(options.credential, arm.id.subscription, {
      agent: options.agent,
      ...(options.retry ? { retryOptions: options.retry } : {}),
    });
  };
  return {
    read: async (name, version) => {
      const path = `/environments/${name}/versions/${version}`;
      const what = `reading environment ${name}:${version}`;
      const body = await arm.find(path, what);
      if (body === undefined) return undefined;
      const { id, properties } = shaped(versionSchema, body, what);
      const raw = shaped(rawSchema, body, what);
      if (!sameArmId(id, arm.idOf(path))) {
        throw new AmlpromoteError(
          'CONTENT_INVALID',
          `${what}: the service answered with ${JSON.stringify(id)}`,
        );
      }
      const built = properties.build !== undefined && properties.build !== null;
      return {
        id,
        raw,
        image: built ? undefined : (properties.image ?? undefined),
        tags: withoutNulls(properties.tags),
        properties: withoutNulls(properties.properties),
        archived: properties.isArchived ?? false,
      };
    },
    create: async (request) => {
      const what = `registering environment ${request.name}:${request.version}`;
      try {
        client ??= load();
        await (
          await client
        ).environmentVersions.createOrUpdate(
          arm.id.resourceGroup,
          arm.id.name,
          request.name,
          request.version,
          { properties: propertiesOf(request) },
          {
            requestOptions: { timeout: requestTimeoutMs },
            ...(options.signal ? { abortSignal: options.signal } : {}),
          },
        );
      } catch (error) {
        const fault = faultOf(error);
        if (isPage(fault.type)) throw arm.explain(error, what);
        if (fault.status === 409 || /already registered and cannot be changed/i.test(fault.message)) {
          const path = `/environments/${request.name}/versions/${request.version}`;
          if ((await arm.find(path, what)) === undefined)
            throw passingConflict(`${what}: ${tellFault(fault)}`, error);
          throw new AmlpromoteError('VERSION_CONFLICT', `${what}: ${tellFault(fault)}`, {
            nextSteps: ['Give the image a new version: environment versions cannot be changed.'],
            cause: error,
          });
        }
        throw arm.explain(error, what);
      }
    },
  };
}

const propertiesOf = (request: EnvironmentRequest) => ({
  image: request.image,
  osType: 'Linux',
  tags: { ...request.tags },
  properties: { ...request.properties },
  ...(request.description === undefined ? {} : { description: request.description }),
});

const withoutNulls = (
  map: Readonly<Record<string, string | null>> | null | undefined,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(map ?? {}).filter((entry): entry is [string, string] => entry[1] !== null),
  );
