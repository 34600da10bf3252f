import { isIPv6 } from 'node:net';
import { AmlpromoteError } from '../domain/errors.ts';

export interface Endpoint {
  readonly address: string;
  /** undefined: the port of the request. */
  readonly port?: number;
}

/** Answers where a host is to be found, or undefined when the system's resolver decides. */
export type ResolveTable = (host: string) => Endpoint | undefined;

/** @throws MANIFEST_INVALID for a value that is neither `ADDRESS` nor `ADDRESS:PORT`. */
export function createResolveTable(entries: Readonly<Record<string, string>>): ResolveTable {
  const table = new Map(
    Object.entries(entries).map(([host, value]) => [host.toLowerCase(), parseEndpoint(host, value)]),
  );
  const rest = table.get('*');
  return (host) => table.get(host.toLowerCase()) ?? rest;
}

function parseEndpoint(host: string, value: string): Endpoint {
  if (isIPv6(value)) return { address: value };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?$/.exec(value);
  const address = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (address === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new AmlpromoteError(
      'MANIFEST_INVALID',
      `network.resolve: ${JSON.stringify(value)} for ${JSON.stringify(host)} is not ADDRESS or ADDRESS:PORT`,
      { nextSteps: ['Write an address such as 10.1.0.5, 10.1.0.5:8443 or [fd00::5]:443.'] },
    );
  }
  return port === undefined ? { address } : { address, port };
}
