import { identities, registries, tenant, workspace } from './topology.ts';
import type { IdentityNames } from './topology.ts';

/** Where one side's own files are, relative to the manifest that names them. */
export interface SideFiles {
  readonly tokenFile: string;
  readonly ca: string;
  /** Of its vantage. */
  readonly port: number;
}

/** What is left out is "no access from here"; names and ids of the other zone stay, a crossing has two ends. */
export interface ZonesFileInput {
  readonly nonsensitive?: SideFiles;
  readonly sensitive?: SideFiles;
}

/** A zones manifest as a platform team would write it; the sandbox is only in `network` and the token files. */
export const zonesFile = (input: ZonesFileInput): string =>
  [
    '# Written by `amlpromote sandbox start`; edit freely, a restart changes nothing but addresses whose port was taken.',
    'apiVersion: amlpromote/v1',
    'kind: Zones',
    'zones:',
    '  nonsensitive:',
    `    registry: { host: ${registries.nonsensitive.host}, id: ${registries.nonsensitive.id} }`,
    ...access(input.nonsensitive, identities['outside-promoter']),
    '  sensitive:',
    `    registry: { host: ${registries.sensitive.host}, id: ${registries.sensitive.id} }`,
    ...access(input.sensitive, identities['inside-promoter']),
    '    workspaces:',
    `      ${workspace.key}:`,
    `        id: ${workspace.id}`,
    `        compute: { ${workspace.compute.key}: ${workspace.compute.name} }`,
    `    admits: [{ repository: 'ml/*', workspaces: [${workspace.key}] }]`,
    'routes: [{ from: nonsensitive, to: sensitive, via: acr-import }]',
    '',
  ].join('\n');

function access(side: SideFiles | undefined, identity: IdentityNames): string[] {
  if (!side) return [];
  return [
    '    access:',
    `      tenant: ${tenant}`,
    '      identity:',
    '        kind: workload',
    `        clientId: ${identity.clientId}`,
    `        tokenFile: ${side.tokenFile}`,
    '      network:',
    `        resolve: { '*': '${address(side.port)}' }`,
    `        ca: ${side.ca}`,
  ];
}

const address = (port: number): string => `127.0.0.1:${port}`;

/** The same text with other ports; everything a user changed stays. */
export const withPorts = (text: string, changes: ReadonlyMap<number, number>): string =>
  text.replaceAll(/127\.0\.0\.1:(\d+)/g, (_, port: string) =>
    address(changes.get(Number(port)) ?? Number(port)),
  );
