import type { SandboxRequest, SandboxResponse } from './http.ts';
import { registries, storage, workspace } from './topology.ts';

/** Where each vantage stands, as the services see it. */
const addresses = { outside: '203.0.113.10', inside: '10.1.0.4', loopback: '127.0.0.1' } as const;

const azureSuffixes = [
  '.azurecr.io',
  '.core.windows.net',
  '.vault.azure.net',
  '.azureml.ms',
  '.azure.net',
  '.ml.azure.com',
  '.microsoftonline.com',
  '.azure.com',
];

/** The hub firewall of the sealed zone lets nothing through but Azure. */
export const isAzureHost = (host: string): boolean => azureSuffixes.some((suffix) => host.endsWith(suffix));

/** What the network rules of the services answer, before they look at any token; undefined lets the request through. */
export function firewall(request: SandboxRequest): SandboxResponse | undefined {
  const { vantage, host } = request;
  if (vantage === 'loopback') return undefined;
  const other = vantage === 'outside' ? registries.sensitive : registries.nonsensitive;
  if (host === other.host || host === other.dataHost) return registryDenied(addresses[vantage]);
  if (vantage === 'inside') return undefined;
  if (host === storage.blobHost) return storageDenied;
  const isWorkspace = host === workspace.apiHost || host === workspace.regionalHost;
  return isWorkspace || host.endsWith('.inference.ml.azure.com') ? workspaceDenied : undefined;
}

const registryDenied = (address: string): SandboxResponse => ({
  status: 403,
  headers: { 'docker-distribution-api-version': 'registry/2.0' },
  body: {
    errors: [
      {
        code: 'DENIED',
        message: `client with IP '${address}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.`,
      },
    ],
  },
});

const storageDenied: SandboxResponse = {
  status: 403,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthorizationFailure' },
  body: '<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationFailure</Code><Message>This request is not authorized to perform this operation.</Message></Error>',
};

const workspaceDenied: SandboxResponse = {
  status: 403,
  body: {
    error: {
      code: 'UserError',
      message:
        'Public network access is disabled for this workspace: the request did not come through one of its private endpoints.',
    },
  },
};
