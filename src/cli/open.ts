import type { Trust } from '../evidence/trust.ts';
import type { Inside } from '../sides/inside.ts';
import type { Outside } from '../sides/outside.ts';
import type { Verifier } from '../sides/verify.ts';
import { systemClock } from './clock.ts';
import type { Side } from './settings.ts';
import { toolVersion } from './version.ts';
import {
  engineOf,
  importerOf,
  inventoryOf,
  locksOf,
  registryOf,
  removerOf,
  runRecordsOf,
  scannerOf,
  sealOf,
  signerOf,
  sourceFactsOf,
  sourceRegistryOf,
  workspaceOf,
} from './wiring.ts';
import type { Context } from './wiring.ts';

/** A value that is made at first use, once. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** The non-sensitive side over the real parts, with its policy. @throws POLICY_MISSING, MANIFEST_INVALID */
export async function openOutside(context: Context): Promise<Outside> {
  const outside = await outsideOf(context);
  await outside.requirePolicy();
  return outside;
}

/** The sensitive side over the real parts, with its policy. @throws POLICY_MISSING, MANIFEST_INVALID */
export async function openInside(context: Context): Promise<Inside> {
  const inside = await insideOf(context);
  await inside.requirePolicy();
  return inside;
}

/** The same for looking only. Its policy is read by what judges, after what can be refused without one. */
export const viewOutside = async (context: Context): Promise<Verifier & Pick<Outside, 'status'>> =>
  await outsideOf(context);

export const viewInside = async (context: Context): Promise<Verifier & Pick<Inside, 'status'>> =>
  await insideOf(context);

async function outsideOf(context: Context): Promise<Outside> {
  const [{ createOutside }, { openStore }] = await Promise.all([
    import('../sides/outside.ts'),
    import('../oci/store/store.ts'),
  ]);
  const { settings } = context;
  return createOutside(context.zones, {
    trust: once(() => trustOf(context, 'outside')),
    store: once(() => openStore(settings.store)),
    registry: once(() => registryOf(context, 'nonsensitive')),
    engine: once(() => engineOf(context)),
    scanner: once(() => scannerOf(context)),
    seal: once(() => sealOf(context)),
    cache: settings.cache,
    signer: once(() => signerOf(context, 'outside')),
    clock: systemClock,
    progress: context.progress,
    sources: (host) => sourceRegistryOf(context, host),
    git: (directory) => sourceFactsOf(context, directory),
    identity: settings.identity,
    sourceDateEpoch: settings.sourceDateEpoch,
    formats: context.zones.formats,
    locks: once(() => locksOf(context, 'nonsensitive')),
    signal: context.signal,
  });
}

async function insideOf(context: Context): Promise<Inside> {
  const { createInside } = await import('../sides/inside.ts');
  return createInside(context.zones, {
    trust: once(() => trustOf(context, 'inside')),
    registry: once(() => registryOf(context, 'sensitive')),
    importer: once(() => importerOf(context)),
    locks: once(() => locksOf(context, 'sensitive')),
    inventory: once(() => inventoryOf(context)),
    remover: once(() => removerOf(context)),
    signer: once(() => signerOf(context, 'inside')),
    workspace: (id) => workspaceOf(context, id),
    records: once(() => runRecordsOf(context)),
    clock: systemClock,
    progress: context.progress,
    toolVersion: toolVersion(),
    signal: context.signal,
  });
}

/** A side's policy, complete: each of its files is read once in a process, so that every step judges by the same bytes. */
async function trustOf({ settings }: Context, side: Side): Promise<Trust> {
  const [{ loadPolicy }, { loadTrust }] = await Promise.all([
    import('../manifest/policy.ts'),
    import('../evidence/trust.ts'),
  ]);
  return await loadTrust(await loadPolicy(settings.policy(side)));
}
