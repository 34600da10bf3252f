import { resolve } from 'node:path';
import { AmlpromoteError } from '../src/domain/errors.ts';
import { acrHandlers } from './acr/index.ts';
import type { Plane } from './acr/plane.ts';
import { createPlane } from './acr/plane.ts';
import type { RegistrySettings } from './acr/settings.ts';
import type { ImportInput } from './arm/import.ts';
import { importImage } from './arm/import-copy.ts';
import { openOperations } from './arm/operations.ts';
import { writeClientFiles } from './clients.ts';
import type { OwnedContext, SandboxContext } from './context.ts';
import type { SandboxClock } from './state.ts';
import { createContext } from './context.ts';
import { openControl } from './control.ts';
import type { EventLog } from './events.ts';
import type { Faults } from './faults.ts';
import type { SandboxDescription } from './files.ts';
import { makeDirectories, readAddresses, readPorts, writeFiles } from './files.ts';
import { allHandlers } from './handlers.ts';
import { managedIdentity } from './identity/managed.ts';
import { sandboxStatus } from './lifecycle.ts';
import type { Listener } from './server.ts';
import { listenLoopback, listenVantage } from './server.ts';
import { listen443 } from './tls443.ts';
import { openServerIdentity } from './tls.ts';
import type { ZoneName } from './topology.ts';

export type { SandboxDescription } from './files.ts';
export type { Fault, Faults } from './faults.ts';

export interface SandboxOptions {
  /** Made when it does not exist; holds everything, so the same directory is the same sandbox again. */
  readonly dir: string;
  /** Docker Engine for the compute, in the form of `DOCKER_HOST`; default: where engines usually are. */
  readonly engineHost?: string | undefined;
  readonly clock?: SandboxClock;
  /** Listens on port 443 of two loopback addresses as well, for clients that cannot be told another port. */
  readonly tls443?: boolean;
}

export interface RunningSandbox {
  /** The content of `DIR/sandbox.json`. */
  readonly description: SandboxDescription;
  readonly faults: Faults;
  readonly events: EventLog;
  readonly context: SandboxContext;
  /** Changes how one registry behaves; survives a restart. */
  configure(zone: ZoneName, change: Partial<RegistrySettings>): void;
  stop(): Promise<void>;
  /** Settles when it has stopped, whoever asked for it. */
  readonly stopped: Promise<void>;
}

/**
 * Starts the two-zone Azure in this process, on loopback ports only.
 * @throws USAGE when a sandbox runs in the directory already
 */
export async function startSandbox(options: SandboxOptions): Promise<RunningSandbox> {
  const directory = resolve(options.dir);
  makeDirectories(directory);
  const other = await sandboxStatus(directory);
  if (other.running)
    throw new AmlpromoteError(
      'USAGE',
      `A sandbox runs in ${directory} already (process ${other.description.pid}).`,
      {
        nextSteps: ['Use it, or stop it with `amlpromote sandbox stop`, or choose another --dir.'],
      },
    );
  const owned = createContext({ ...options, directory });
  const { context } = owned;
  const planes = {
    nonsensitive: createPlane(context, 'nonsensitive'),
    sensitive: createPlane(context, 'sensitive'),
  };
  const listeners = await listenAll(context, planes, options.tls443 === true);
  const { ports, operations, tls443 } = listeners;
  owned.setLoopback({
    nonsensitive: `127.0.0.1:${ports.nonsensitive}`,
    sensitive: `127.0.0.1:${ports.sensitive}`,
  });
  const description = writeFiles(
    directory,
    context.stateDirectory,
    context.tokens,
    ports,
    context.clock.now(),
    tls443?.addresses,
  );
  const stopping = stopper(owned, listeners);
  const managed = managedIdentity(context);
  const control = await openControl(context.stateDirectory, stopping.stop, managed.handle);
  stopping.last(() => control.close());
  managed.announce(control.file.port);
  if (tls443) writeClientFiles(directory, tls443.addresses);
  operations.resume();
  return {
    description,
    faults: context.faults,
    events: context.events,
    context,
    configure: (zone, change) => {
      planes[zone].configure(change);
    },
    stop: stopping.stop,
    stopped: stopping.stopped,
  };
}

async function listenAll(
  context: SandboxContext,
  planes: Readonly<Record<ZoneName, Plane>>,
  with443: boolean,
) {
  const both = [planes.nonsensitive, planes.sensitive];
  const operations = openOperations(context, (id, input) => importImage(id, input as ImportInput, both));
  const handlers = allHandlers(context, both, operations);
  const before = readPorts(context.stateDirectory);
  const identity = await openServerIdentity(context.directory, context.stateDirectory, context.clock.now());
  // First, because it is the one that may be refused.
  const tls443 = with443
    ? await listen443(identity, { context, handlers }, readAddresses(context.directory))
    : undefined;
  const loopback = (zone: ZoneName): Promise<Listener> =>
    listenLoopback(planes[zone].names.host, {
      context,
      handlers: acrHandlers(planes[zone]),
      port: before?.[zone],
    });
  const [outside, inside, nonsensitive, sensitive] = await Promise.all([
    listenVantage('outside', identity, { context, handlers, port: before?.outside }),
    listenVantage('inside', identity, { context, handlers, port: before?.inside }),
    loopback('nonsensitive'),
    loopback('sensitive'),
  ]);
  return {
    operations,
    tls443,
    all: [outside, inside, nonsensitive, sensitive, ...(tls443?.listeners ?? [])],
    ports: {
      outside: outside.port,
      inside: inside.port,
      nonsensitive: nonsensitive.port,
      sensitive: sensitive.port,
    },
  };
}

function stopper(owned: OwnedContext, listeners: Awaited<ReturnType<typeof listenAll>>) {
  const { promise: stopped, resolve: settle } = Promise.withResolvers<undefined>();
  let begun: Promise<void> | undefined;
  let closeControl: () => Promise<void> = () => Promise.resolve();
  const run = async (): Promise<void> => {
    await Promise.all(listeners.all.map((listener) => listener.close()));
    await listeners.operations.idle();
    await owned.close();
    // Its own answer to `stop` is written after this, so its end is not waited for here.
    void closeControl().then(() => {
      settle(undefined);
    });
  };
  return {
    stop: () => (begun ??= run()),
    stopped: stopped as Promise<void>,
    last: (close: () => Promise<void>) => void (closeControl = close),
  };
}
