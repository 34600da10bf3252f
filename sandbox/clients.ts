import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import type { Vantage } from './http.ts';
import { readOptional, writeFileAtomic } from './store/files.ts';
import { hosts, identities, keyVault, registries, storage, tenant, workspace } from './topology.ts';

/** Where the services of each vantage listen on port 443. Addresses of 127.0.0.0/8. */
export type Addresses = Readonly<Record<Vantage, string>>;

/** Every name that a client of either side may ask for; one that belongs to the other side resolves too, and is denied. */
export const clientHosts: readonly string[] = [
  ...new Set([
    hosts.login,
    ...hosts.loginAliases,
    hosts.arm,
    ...Object.values(registries).flatMap(({ host, dataHost }) => [host, dataHost]),
    ...Object.values(storage.endpoints),
    keyVault.host,
    workspace.apiHost,
    workspace.certHost,
    workspace.regionalHost,
    hosts.studio,
  ]),
];

/** What clients need to find the sandbox under the names of Azure: files of one side's folder. */
export interface ClientFiles {
  /** For `/etc/hosts` of a private mount namespace. */
  readonly hosts: string;
  /** `export NAME='value'` lines for a shell. */
  readonly variables: string;
}

export const clientFiles = (directory: string, side: Vantage): ClientFiles => ({
  hosts: join(directory, side, 'hosts'),
  variables: join(directory, side, 'clients.env'),
});

/**
 * Writes `DIR/ca-bundle.pem`, `DIR/SIDE/hosts` and `DIR/SIDE/clients.env`. The bundle adds the sandbox's authority to those
 * that this machine trusts: the variables that name it replace a client's own list, and pip must still find PyPI.
 */
export function writeClientFiles(directory: string, addresses: Addresses): void {
  const own = readOptional(join(directory, 'ca.pem'))?.toString('utf8') ?? '';
  const roots = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')]);
  writeFileAtomic(bundleOf(directory), [own.trim(), ...roots].map((pem) => `${pem.trim()}\n`).join(''));
  for (const side of ['outside', 'inside'] as const) {
    mkdirSync(join(directory, side, 'azure'), { recursive: true, mode: 0o700 });
    const files = clientFiles(directory, side);
    writeFileAtomic(files.hosts, hostsFile(addresses[side]));
    // For its owner only: it may hold the header that opens the managed identity.
    const lines = Object.entries(clientVariables(directory, side)).map(
      ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`,
    );
    writeFileAtomic(files.variables, lines.join(''), 0o600);
  }
}

const bundleOf = (directory: string): string => join(directory, 'ca-bundle.pem');

const hostsFile = (address: string): string =>
  ['127.0.0.1 localhost', '::1 localhost', ...clientHosts.map((host) => `${address} ${host}`), ''].join('\n');

/** Inside there is a managed identity (`az login --identity`); outside there is none. */
function managedIdentityVariables(directory: string, side: Vantage): Readonly<Record<string, string>> {
  const text = readOptional(join(directory, side, 'managed-identity.env'))?.toString('utf8') ?? '';
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

/**
 * The environment of a client: whom to trust, who it is, and a configuration of its own, so that nobody's real sign-in is
 * read or overwritten. The identity variables are those of `DefaultAzureCredential`.
 */
export function clientVariables(directory: string, side: Vantage): Readonly<Record<string, string>> {
  const bundle = bundleOf(directory);
  return {
    REQUESTS_CA_BUNDLE: bundle,
    SSL_CERT_FILE: bundle,
    CURL_CA_BUNDLE: bundle,
    NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'),
    NO_PROXY: [...clientHosts, 'localhost', '127.0.0.1'].join(','),
    AZURE_CONFIG_DIR: join(directory, side, 'azure'),
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    AZURE_TENANT_ID: tenant,
    AZURE_CLIENT_ID: identities[`${side}-promoter`].clientId,
    AZURE_FEDERATED_TOKEN_FILE: join(directory, side, 'token'),
    ...managedIdentityVariables(directory, side),
  };
}
