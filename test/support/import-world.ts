import type { Digest } from '../../src/domain/digest.ts';
import type { ProgressEvent } from '../../src/domain/events.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { readReceipts } from '../../src/evidence/receipts.ts';
import type { Receipt } from '../../src/evidence/receipts.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import type { Policy } from '../../src/manifest/policy.ts';
import type { Repository } from '../../src/ports/content.ts';
import { importRelease } from '../../src/steps/import.ts';
import type { ImportPorts, ImportReport } from '../../src/steps/import.ts';
import { makeIdentities } from './identities.ts';
import type { TestIdentities } from './identities.ts';
import { manualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';
import { memoryImporter } from './memory-importer.ts';
import type { MemoryImporter, MemoryImporterOptions } from './memory-importer.ts';
import { memoryLocks } from './memory-locks.ts';
import type { MemoryLocks } from './memory-locks.ts';
import { memoryRegistry } from './memory-registry.ts';
import type { MemoryRegistry } from './memory-registry.ts';
import { memoryShelf } from './memory-shelf.ts';
import type { MemoryShelf } from './memory-shelf.ts';
import { pushRelease, testPolicy } from './signed-release.ts';
import type { ReleaseOptions, SignedRelease } from './signed-release.ts';

export const repository = 'ml/churn-train';
export const quarantine = `quarantine/${repository}`;
const started = '2026-11-21T12:00:00Z';

let shared: Promise<{ identities: TestIdentities; policy: Policy }> | undefined;

/** Keys and policy that all worlds of a test file share. */
export const keysAndPolicy = (): Promise<{ identities: TestIdentities; policy: Policy }> =>
  (shared ??= (async () => {
    const identities = await makeIdentities(new Date(started));
    return { identities, policy: await testPolicy(identities) };
  })());

/** What one import sees, and what tests ask about it. */
export interface ImportWorld {
  readonly dev: MemoryRegistry;
  /** As it is; clients see it through `locks.registry`. */
  readonly sec: MemoryRegistry;
  readonly final: Repository;
  readonly locks: MemoryLocks;
  readonly importer: MemoryImporter;
  readonly clock: ManualClock;
  readonly ports: ImportPorts;
  readonly policy: Policy;
  readonly events: ProgressEvent[];
  release(options?: Partial<ReleaseOptions>): Promise<SignedRelease>;
  readonly shelf: MemoryShelf;
  import(document: ReleaseDocument, changes?: Partial<ImportPorts>, policy?: Policy): Promise<ImportReport>;
  /** Tags of the final repository with the digests that they name. */
  tags(): Promise<Readonly<Record<string, Digest>>>;
  receipts(): Promise<readonly Receipt[]>;
  /** Everything that the sensitive registry shows, locks included. */
  state(): Promise<unknown>;
}

export async function importWorld(options: MemoryImporterOptions = {}): Promise<ImportWorld> {
  const { identities, policy } = await keysAndPolicy();
  const dev = memoryRegistry('dev.azurecr.test');
  const sec = memoryRegistry('sec.azurecr.test');
  const final = sec.repository(repository);
  const locks = memoryLocks(sec);
  const importer = memoryImporter(dev, sec, options);
  const clock = manualClock(started);
  const events: ProgressEvent[] = [];
  const ports: ImportPorts = {
    importer,
    registry: locks.registry,
    locks,
    signer: identities.receiptSigner,
    clock,
    progress: (event) => void events.push(event),
    toolVersion: '0.1.0',
  };
  const tags = async (): Promise<Readonly<Record<string, Digest>>> => {
    const named = await Promise.all(
      (await final.tags()).map(async (tag) => [tag, (await final.resolve(tag))!.digest] as const),
    );
    return Object.fromEntries(named);
  };
  return {
    dev,
    sec,
    final,
    locks,
    importer,
    clock,
    ports,
    policy,
    events,
    shelf: memoryShelf(sec, locks),
    release: async (more = {}) =>
      pushRelease(dev.repository(repository), {
        now: clock.now(),
        signer: identities.releaseSigner,
        ...more,
      }),
    import: async (document, changes = {}, rules = policy) =>
      importRelease({ document, trust: await loadTrust(rules) }, { ...ports, ...changes }),
    tags,
    receipts: async () => readReceipts(final, (await loadTrust(policy)).receipts),
    state: async () => ({
      tags: await tags(),
      final: [...sec.manifests(repository)].sort(),
      quarantine: [...sec.manifests(quarantine)].sort(),
      locked: [...locks.locked].sort(),
    }),
  };
}
