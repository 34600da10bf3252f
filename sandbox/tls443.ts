import { AmlpromoteError } from '../src/domain/errors.ts';
import type { Addresses } from './clients.ts';
import type { SandboxContext } from './context.ts';
import type { Handler } from './http.ts';
import type { Listener } from './server.ts';
import { listenVantage } from './server.ts';
import type { ServerIdentity } from './tls.ts';

/** Sandboxes that can listen at the same time. */
const pairs = 250;

const pairOf = (index: number): Addresses => ({
  outside: `127.77.${index}.1`,
  inside: `127.77.${index}.2`,
});

export interface Listening443 {
  readonly addresses: Addresses;
  readonly listeners: readonly Listener[];
}

/**
 * Both vantages once more, on port 443 of a loopback address each: for clients that cannot be told another port.
 * @param before the addresses of the last time, which are tried first
 * @throws USAGE when this process may not listen there, or the machine has no such addresses
 */
export async function listen443(
  identity: ServerIdentity,
  serving: { readonly context: SandboxContext; readonly handlers: readonly Handler[] },
  before: Addresses | undefined,
): Promise<Listening443> {
  const candidates = Array.from({ length: pairs }, (_, index) => pairOf(index));
  for (const addresses of [...(before ? [before] : []), ...candidates]) {
    const listeners = await listenPair(identity, serving, addresses);
    if (listeners) return { addresses, listeners };
  }
  throw refused('All addresses 127.77.0.0 to 127.77.249.255 are in use.', [
    'Stop a sandbox that is not needed any more.',
  ]);
}

/** Both or none; undefined when somebody else listens on one of them. */
async function listenPair(
  identity: ServerIdentity,
  serving: { readonly context: SandboxContext; readonly handlers: readonly Handler[] },
  addresses: Addresses,
): Promise<Listener[] | undefined> {
  const listeners: Listener[] = [];
  try {
    for (const vantage of ['outside', 'inside'] as const)
      listeners.push(
        await listenVantage(vantage, identity, { ...serving, port: 443, address: addresses[vantage] }),
      );
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') return undefined;
    if (code === 'EACCES' || code === 'EPERM')
      throw refused('This user may not listen on port 443.', [
        'Allow it, e.g. with `sysctl -w net.ipv4.ip_unprivileged_port_start=443` as root, or start the sandbox as root.',
        'Clients that can be told a port do not need it: see docs/sandbox.md.',
      ]);
    if (code === 'EADDRNOTAVAIL')
      throw refused(`This machine does not have the loopback address ${addresses.outside}; Linux does.`, [
        'Run the sandbox on Linux, or in a Linux container, together with its clients.',
      ]);
    throw error;
  }
}

const refused = (message: string, nextSteps: string[]): AmlpromoteError =>
  new AmlpromoteError('USAGE', `--tls-443: ${message}`, { nextSteps });
