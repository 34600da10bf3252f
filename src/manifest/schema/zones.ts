import * as z from 'zod';
import { tryParseArmId } from '../../domain/arm-id.ts';
import { isRegistryHost } from '../../domain/names.ts';
import { isConnectTarget, isProxyUrl } from './network-text.ts';
import type { ResolvePath } from './fields.ts';
import { apiVersion, filePath, filled, text } from './fields.ts';

const resourceId = (provider: string, type: string, example: string) =>
  text((value) => {
    const id = tryParseArmId(value);
    return (
      id?.provider.toLowerCase() === provider.toLowerCase() && id.type.toLowerCase() === type.toLowerCase()
    );
  }, `is not an ARM id of the form /subscriptions/…/resourceGroups/…/providers/${provider}/${type}/NAME`)
    .describe('ARM resource id.')
    .meta({ examples: [example] });

const registryId = resourceId(
  'Microsoft.ContainerRegistry',
  'registries',
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contososec',
);
const workspaceId = resourceId(
  'Microsoft.MachineLearningServices',
  'workspaces',
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ml-risk',
);

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'is not a name (letters, digits, "_" and "-")' });
const entraId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, { error: 'is not an id: a GUID, or for a tenant its domain' });

const identitySchema = (resolve: ResolvePath) =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('workload').describe('Federated token of a pipeline or pod.'),
      clientId: entraId,
      tokenFile: filePath(resolve).exactOptional().describe('File with the federated token.'),
    }),
    z.strictObject({
      kind: z.literal('managed').describe('Managed identity of this machine.'),
      clientId: entraId.exactOptional().describe('Of a user-assigned identity.'),
    }),
    z.strictObject({ kind: z.literal('cli').describe('Whoever is signed in with `az login`.') }),
    z.strictObject({ kind: z.literal('default').describe('The chain of DefaultAzureCredential.') }),
  ]);

const networkSchema = (resolve: ResolvePath) =>
  z.strictObject({
    resolve: z
      .record(
        text((host) => host === '*' || isRegistryHost(host), 'is not a host name or "*"'),
        text(isConnectTarget, 'is not an address: write an IP address, optionally with :PORT'),
      )
      .exactOptional()
      .describe(
        'Host → address to connect to, like curl --resolve; "*" for every host; "ADDRESS:PORT" allowed.',
      ),
    ca: filePath(resolve).exactOptional().describe("PEM certificates added to the system's roots."),
    proxy: text(isProxyUrl, 'is not a proxy URL: http://HOST:PORT, without credentials, path or query')
      .exactOptional()
      .describe('Proxy for this zone, instead of HTTPS_PROXY.'),
  });

const zoneSchema = (resolve: ResolvePath) =>
  z.strictObject({
    registry: z.strictObject({
      host: text(isRegistryHost, 'is not a registry host (host or host:port, lower case, no scheme)')
        .describe('Login server.')
        .meta({ examples: ['contososec.azurecr.io'] }),
      id: registryId,
    }),
    access: z
      .strictObject({
        tenant: entraId,
        identity: identitySchema(resolve),
        network: networkSchema(resolve).default({}),
      })
      .exactOptional()
      .describe('How this side reaches the zone; left out for a zone that this side has no access to.'),
    workspaces: z
      .record(
        name,
        z.strictObject({
          id: workspaceId,
          compute: z
            .record(name, name)
            .default({})
            .describe('Purpose → name of the compute in the workspace.'),
        }),
      )
      .default({}),
    admits: z
      .array(
        z.strictObject({
          repository: filled(255)
            .regex(/^[a-z0-9*][a-z0-9._/*-]*$/, { error: 'is not a repository pattern' })
            .describe('Repository; * stands for any run of characters but /.'),
          workspaces: z.array(name).min(1, { error: 'must name a workspace' }),
        }),
      )
      .default([])
      .describe('Which repositories which workspaces may use. Nothing is admitted by default.'),
  });

/** The platform team's file: where things are, which routes are approved, what is admitted where. */
export const zonesSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      apiVersion,
      kind: z.literal('Zones'),
      zones: z.strictObject({
        nonsensitive: zoneSchema(resolve).describe('Where images are made; may reach the internet.'),
        sensitive: zoneSchema(resolve).describe('Where the real data is; sealed.'),
      }),
      routes: z
        .array(
          z.strictObject({
            from: z.literal('nonsensitive'),
            to: z.literal('sensitive'),
            via: z.enum(['acr-import', 'registry', 'bundle', 'acr-transfer']),
          }),
        )
        .default([])
        .describe('Approved paths, the preferred first. None is approved by default.'),
      formats: z
        .literal([0.1, '0.1'], {
          error: 'can only be 0.1: what version 0.1.0 reads; leave it out for the newest',
        })
        .transform(() => '0.1' as const)
        .optional()
        .describe(
          'Write evidence as version 0.1.0 reads it, while the sensitive side is not upgraded yet. By default the newest form.',
        ),
    })
    .superRefine(({ zones }, context) => {
      for (const side of ['nonsensitive', 'sensitive'] as const) {
        for (const [index, rule] of zones[side].admits.entries()) {
          for (const [position, workspace] of rule.workspaces.entries()) {
            if (Object.hasOwn(zones[side].workspaces, workspace)) continue;
            context.addIssue({
              code: 'custom',
              path: ['zones', side, 'admits', index, 'workspaces', position],
              message: `names workspace "${workspace}", which zones.${side}.workspaces does not have`,
            });
          }
        }
      }
      if (zones.nonsensitive.registry.host === zones.sensitive.registry.host) {
        context.addIssue({
          code: 'custom',
          path: ['zones', 'sensitive', 'registry', 'host'],
          message: 'is also the registry of the non-sensitive zone: a crossing needs two registries',
        });
      }
    })
    .meta({ title: 'amlpromote zones manifest' });

export type ParsedZones = z.output<ReturnType<typeof zonesSchema>>;
