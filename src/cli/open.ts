import type { Inside } from '../sides/inside.ts';
import type { Outside } from '../sides/outside.ts';
import { systemClock } from './clock.ts';
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

/** The non-sensitive side over the real parts. @throws POLICY_MISSING, MANIFEST_INVALID */
export async function openOutside(context: Context): Promise<Outside> {
  const [{ createOutside }, { loadPolicy }, { openStore }] = await Promise.all([
    import('../sides/outside.ts'),
    import('../manifest/policy.ts'),
    import('../oci/store/store.ts'),
  ]);
  const { settings } = context;
  return createOutside(await loadPolicy(settings.policy('outside')), {
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

/** The sensitive side over the real parts. @throws POLICY_MISSING, MANIFEST_INVALID */
export async function openInside(context: Context): Promise<Inside> {
  const [{ createInside }, { loadPolicy }] = await Promise.all([
    import('../sides/inside.ts'),
    import('../manifest/policy.ts'),
  ]);
  return createInside(context.zones, await loadPolicy(context.settings.policy('inside')), {
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
