import type https from 'node:https';
import path from 'node:path';
import type { createCredential } from '../adapters/identity/credential.ts';
import type { Progress } from '../domain/events.ts';
import { accessOf } from '../manifest/zones.ts';
import { approvedRoute } from '../policy/zones.ts';
import type { Zones, ZoneName } from '../manifest/zones.ts';
import type { Engine } from '../ports/engine.ts';
import type { Registry } from '../ports/content.ts';
import type { Importer, Inventory, Locks, Remover } from '../ports/importer.ts';
import type { Scanner } from '../ports/scanner.ts';
import type { RunRecords } from '../ports/run-records.ts';
import type { Seal } from '../ports/seal.ts';
import type { SourceFacts } from '../ports/source.ts';
import type { Signer } from '../ports/signer.ts';
import type { Datastore, Environments, Jobs } from '../ports/workspace.ts';
import { systemClock } from './clock.ts';
import type { Settings, Side } from './settings.ts';
import { toolVersion } from './version.ts';

/** What every part gets: where things are, who asks, who listens, who may stop it. */
export interface Context {
  readonly settings: Settings;
  readonly zones: Zones;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One zone's network and identity, made once per process. Nothing is asked of anybody until it is used. */
interface ZoneAccess {
  readonly agent: https.Agent;
  readonly credential: ReturnType<typeof createCredential>;
}

const opened = new WeakMap<Context, Map<ZoneName, Promise<ZoneAccess>>>();

async function access(context: Context, zone: ZoneName): Promise<ZoneAccess> {
  const zones = opened.get(context) ?? new Map<ZoneName, Promise<ZoneAccess>>();
  opened.set(context, zones);
  const found = zones.get(zone) ?? openZone(context, zone);
  zones.set(zone, found);
  return await found;
}

async function openZone(context: Context, zone: ZoneName): Promise<ZoneAccess> {
  const settings = accessOf(context.zones, zone);
  const { createAgent } = await import('../network/agent.ts');
  const { createCredential } = await import('../adapters/identity/credential.ts');
  const agent = createAgent(settings.network, context.settings.proxy);
  return { agent, credential: createCredential(settings, agent) };
}

const acrAudience = 'https://containerregistry.azure.net';

export async function registryOf(context: Context, zone: ZoneName): Promise<Registry> {
  const { agent, credential } = await access(context, zone);
  const { createRegistry } = await import('../oci/registry/registry.ts');
  const { tokenSource } = await import('../adapters/identity/token-source.ts');
  const token = tokenSource(credential, acrAudience);
  return createRegistry({
    host: context.zones.zones[zone].registry.host,
    agent,
    token: async (signal) => ({ token: await token(signal) }),
    userAgent: `amlpromote/${toolVersion()}`,
    clock: systemClock,
    signal: context.signal,
  });
}

/** Where an existing image comes from: the zone's own registry with its identity, any other one anonymously, by the zone's network. */
export async function sourceRegistryOf(context: Context, host: string): Promise<Registry> {
  if (host === context.zones.zones.nonsensitive.registry.host)
    return await registryOf(context, 'nonsensitive');
  const { agent } = await access(context, 'nonsensitive');
  const { createRegistry } = await import('../oci/registry/registry.ts');
  return createRegistry({
    host,
    agent,
    userAgent: `amlpromote/${toolVersion()}`,
    clock: systemClock,
    signal: context.signal,
  });
}

/** What git knows about a directory. */
export async function sourceFactsOf({ settings }: Context, directory: string): ReturnType<SourceFacts> {
  const { gitSourceFacts } = await import('../adapters/git/source-facts.ts');
  return await gitSourceFacts(settings.programs)(directory);
}

/** @throws ROUTE_NOT_APPROVED */
export async function importerOf(context: Context): Promise<Importer> {
  if (approvedRoute(context.zones) === 'acr-import') return await acrImporter(context);
  const { createRegistryRoute } = await import('../oci/registry-route.ts');
  return createRegistryRoute(
    await registryOf(context, 'nonsensitive'),
    await registryOf(context, 'sensitive'),
  );
}

async function acrImporter(context: Context): Promise<Importer> {
  const { nonsensitive, sensitive } = context.zones.zones;
  const { importTimeoutSeconds } = context.settings;
  const { agent, credential } = await access(context, 'sensitive');
  const { createAcrImporter } = await import('../adapters/acr/importer.ts');
  return createAcrImporter({
    credential,
    agent,
    targetRegistryId: sensitive.registry.id,
    sourceRegistryId: nonsensitive.registry.id,
    sourceHost: nonsensitive.registry.host,
    clock: systemClock,
    signal: context.signal,
    ...(importTimeoutSeconds === undefined ? {} : { deadlineSeconds: importTimeoutSeconds }),
  });
}

export async function locksOf(context: Context, zone: ZoneName): Promise<Locks> {
  const { createAcrLocks } = await import('../adapters/acr/locks.ts');
  return createAcrLocks(await metadataOf(context, zone));
}

export async function inventoryOf(context: Context): Promise<Inventory> {
  const { createAcrInventory } = await import('../adapters/acr/inventory.ts');
  return createAcrInventory(await metadataOf(context, 'sensitive'));
}

export async function removerOf(context: Context): Promise<Remover> {
  const { createAcrRemover } = await import('../adapters/acr/inventory.ts');
  return createAcrRemover(await metadataOf(context, 'sensitive'));
}

async function metadataOf(context: Context, zone: ZoneName) {
  const { agent, credential } = await access(context, zone);
  const { host, id } = context.zones.zones[zone].registry;
  return { host, registryId: id, credential, agent, signal: context.signal };
}

export interface WorkspacePorts {
  readonly environments: Environments;
  readonly jobs: Jobs;
  readonly datastore: Datastore;
}

export async function workspaceOf(context: Context, workspaceId: string): Promise<WorkspacePorts> {
  const { agent, credential } = await access(context, 'sensitive');
  const options = { credential, agent, workspaceId, signal: context.signal };
  const [{ createEnvironments }, { createJobs }, { createDatastore }] = await Promise.all([
    import('../adapters/aml/environments.ts'),
    import('../adapters/aml/jobs.ts'),
    import('../adapters/aml/datastore.ts'),
  ]);
  return {
    environments: createEnvironments(options),
    jobs: createJobs(options),
    datastore: createDatastore(options),
  };
}

/** @throws FORBIDDEN, USAGE when the state directory may not be used */
export async function runRecordsOf({ settings }: Context): Promise<RunRecords> {
  const { openRunRecords } = await import('../adapters/state/run-records.ts');
  return openRunRecords(path.join(settings.stateDirectory, 'runs'));
}

export async function signerOf(context: Context, side: Side): Promise<Signer> {
  const { openFileSigner } = await import('../adapters/signer/file.ts');
  return await openFileSigner({
    keyFile: context.settings.key(side),
    certificateFile: context.settings.certificate(side),
  });
}

export async function engineOf(context: Context): Promise<Engine> {
  const { connectEngine } = await import('../adapters/docker/engine.ts');
  return await connectEngine(context.settings.engine);
}

const seals = new WeakMap<Context, Promise<Seal>>();

/** One for a process: where no key can be kept, its parts must believe each other all the same. */
export async function sealOf(context: Context): Promise<Seal> {
  const found = seals.get(context) ?? openSeal(context);
  seals.set(context, found);
  return await found;
}

async function openSeal({ settings, progress }: Context): Promise<Seal> {
  const { openFileSeal } = await import('../adapters/seal/file.ts');
  return await openFileSeal({
    directory: settings.stateDirectory,
    apartFrom: [settings.store, settings.cache],
    onNote: (message) => progress({ type: 'note', step: 'scan', message }),
  });
}

export async function scannerOf(context: Context): Promise<Scanner> {
  const { createBuiltinScanner } = await import('../scanner/builtin.ts');
  return createBuiltinScanner({
    databaseDir: context.settings.database,
    cache: { directory: context.settings.cache, seal: await sealOf(context) },
    clock: systemClock,
    version: toolVersion(),
  });
}
