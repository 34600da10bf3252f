import type { Since } from '../arm/versions.ts';
import { shownIn } from '../arm/versions.ts';
import type { SandboxResponse } from '../http.ts';

type Fields = Readonly<Record<string, Since>>;

const never: Since = {};
const fromFirst: Since = { preview: '2022-10-01', stable: '2023-04-01' };
const stage: Since = { preview: '2023-04-01', stable: '2023-04-01' };

/**
 * Fields of `properties` that came later than the oldest api-version, by resource type below the workspace ('' is itself).
 * From the models of the public SDKs, each generated from one version, and the change log of
 * `Microsoft.MachineLearningServices/workspaces` (Azure template reference).
 */
const properties: Readonly<Record<string, Fields>> = {
  '': {
    v1LegacyMode: { preview: '2022-10-01', stable: '2022-10-01' },
    managedNetwork: { preview: '2022-12-01', stable: '2023-10-01' },
    enableDataIsolation: { preview: '2023-04-01', stable: '2024-04-01' },
    systemDatastoresAuthMode: { preview: '2022-12-01', stable: '2025-06-01' },
    provisionNetworkNow: { preview: '2025-01-01', stable: '2025-06-01' },
  },
  jobs: {
    componentId: { preview: '2022-10-01', stable: '2022-10-01' },
    queueSettings: { preview: '2023-04-01', stable: '2023-10-01' },
  },
  environments: { provisioningState: fromFirst },
  'environments/versions': { provisioningState: fromFirst, stage },
  data: { provisioningState: never },
  'data/versions': { provisioningState: never, stage: never },
  models: { provisioningState: fromFirst },
  'models/versions': { provisioningState: fromFirst, stage },
  codes: { provisioningState: fromFirst },
  'codes/versions': { provisioningState: fromFirst, stage: never },
  datastores: {
    subscriptionId: { preview: '2022-10-01', stable: '2023-04-01' },
    resourceGroup: { preview: '2022-10-01', stable: '2023-04-01' },
  },
};

/** Fields beside `properties`. */
const besides: Fields = { kind: { preview: '2022-12-01', stable: '2023-10-01' } };

const type = 'Microsoft.MachineLearningServices/workspaces';

/** A response with one resource or a list of them, without what the version of the API does not have. */
export function withFields(response: SandboxResponse, apiVersion: string): SandboxResponse {
  const { body } = response;
  if (!isPlain(body)) return response;
  const { value } = body;
  return {
    ...response,
    body: Array.isArray(value)
      ? {
          ...body,
          value: value.map((each: unknown) => (isPlain(each) ? resourceIn(each, apiVersion) : each)),
        }
      : resourceIn(body, apiVersion),
  };
}

export function resourceIn(resource: object, apiVersion: string): object {
  const body: Readonly<Record<string, unknown>> = { ...resource };
  if (typeof body.type !== 'string' || !body.type.startsWith(type)) return resource;
  const fields = properties[body.type.slice(type.length + 1)] ?? {};
  const shown = shownIn(apiVersion, besides, body);
  return isPlain(shown.properties)
    ? { ...shown, properties: shownIn(apiVersion, fields, shown.properties) }
    : shown;
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
