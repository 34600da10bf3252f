import { join } from 'node:path';
import { makeDirectory } from '../src/files/make-directory.ts';
import { issueAssertion } from './identity/assertions.ts';
import { makeClientSecret } from './identity/client-secret.ts';
import type { TokenKey } from './identity/tokens.ts';
import type { Addresses } from './clients.ts';
import { readJson, readOptional, writeFileAtomic, writeJson } from './store/files.ts';
import type { ZoneName } from './topology.ts';
import { registries, workspace } from './topology.ts';
import type { ZonesFileInput } from './zones-file.ts';
import { withPorts, zonesFile } from './zones-file.ts';

/** TCP ports on 127.0.0.1. */
export interface Ports {
  /** TLS, as seen from the non-sensitive zone's network. */
  readonly outside: number;
  /** TLS, as seen from the sensitive zone's network. */
  readonly inside: number;
  /** Plain http, one registry each. */
  readonly nonsensitive: number;
  readonly sensitive: number;
}

/** `DIR/sandbox.json` */
export interface SandboxDescription {
  readonly pid: number;
  readonly directory: string;
  readonly ports: { readonly outside: number; readonly inside: number };
  /** Where it listens on port 443 as well, when it was told to. */
  readonly tls443?: Addresses;
  readonly registries: Readonly<
    Record<ZoneName, { readonly host: string; readonly id: string; readonly loopback: string }>
  >;
  readonly workspace: {
    readonly key: string;
    readonly name: string;
    readonly id: string;
    readonly compute: string;
  };
}

const portsFile = (stateDirectory: string): string => join(stateDirectory, 'ports.json');
export const descriptionFile = (directory: string): string => join(directory, 'sandbox.json');

/** Where it listened on port 443 the last time. */
export const readAddresses = (directory: string): Addresses | undefined =>
  (readJson(descriptionFile(directory)) as SandboxDescription | undefined)?.tls443;

/** The ports of the last time; undefined at the first start. */
export const readPorts = (stateDirectory: string): Ports | undefined =>
  readJson(portsFile(stateDirectory)) as Ports | undefined;

/** Private: they hold keys and tokens. */
export function makeDirectories(directory: string): void {
  for (const path of ['', 'outside', 'inside', 'state']) makeDirectory(join(directory, path), 0o700);
}

/** Everything that users and their tools read. What exists is kept, but for ports that changed. */
export function writeFiles(
  directory: string,
  stateDirectory: string,
  tokens: TokenKey,
  ports: Ports,
  now: Date,
  tls443?: Addresses,
): SandboxDescription {
  const before = readPorts(stateDirectory);
  for (const [side, identity] of [
    ['outside', 'outside-promoter'],
    ['inside', 'inside-promoter'],
  ] as const) {
    const path = join(directory, side, 'token');
    if (!readOptional(path)) writeFileAtomic(path, issueAssertion(tokens, identity, now), 0o600);
    makeClientSecret(directory, side);
  }
  for (const [path, input] of Object.entries(zonesFiles(ports)))
    writeZones(join(directory, path), input, before, ports);
  writeJson(portsFile(stateDirectory), ports);
  const description = { ...describe(directory, ports), ...(tls443 && { tls443 }) };
  writeJson(descriptionFile(directory), description);
  return description;
}

const zonesFiles = (ports: Ports): Record<string, ZonesFileInput> => ({
  'zones.yaml': {
    nonsensitive: { tokenFile: './outside/token', ca: './ca.pem', port: ports.outside },
    sensitive: { tokenFile: './inside/token', ca: './ca.pem', port: ports.inside },
  },
  'outside/zones.yaml': { nonsensitive: { tokenFile: './token', ca: '../ca.pem', port: ports.outside } },
  'inside/zones.yaml': { sensitive: { tokenFile: './token', ca: '../ca.pem', port: ports.inside } },
});

function writeZones(path: string, input: ZonesFileInput, before: Ports | undefined, ports: Ports): void {
  const existing = readOptional(path)?.toString('utf8');
  const changes = new Map(
    before && [
      [before.outside, ports.outside],
      [before.inside, ports.inside],
    ],
  );
  const text = existing === undefined ? zonesFile(input) : withPorts(existing, changes);
  if (text !== existing) writeFileAtomic(path, text);
}

const describe = (directory: string, ports: Ports): SandboxDescription => ({
  pid: process.pid,
  directory,
  ports: { outside: ports.outside, inside: ports.inside },
  registries: {
    nonsensitive: {
      host: registries.nonsensitive.host,
      id: registries.nonsensitive.id,
      loopback: `127.0.0.1:${ports.nonsensitive}`,
    },
    sensitive: {
      host: registries.sensitive.host,
      id: registries.sensitive.id,
      loopback: `127.0.0.1:${ports.sensitive}`,
    },
  },
  workspace: {
    key: workspace.key,
    name: workspace.name,
    id: workspace.id,
    compute: workspace.compute.name,
  },
});
