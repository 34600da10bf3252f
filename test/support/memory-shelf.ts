import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Inventory, Remover } from '../../src/ports/importer.ts';
import type { MemoryLocks } from './memory-locks.ts';
import type { MemoryRegistry } from './memory-registry.ts';

/** What ACR knows beside content, and its deletion: with a manifest go its referrers; what is locked stays. */
export interface MemoryShelf extends Inventory, Remover {
  /** `repository@digest`, in order. */
  readonly removed: readonly string[];
}

export function memoryShelf(
  registry: MemoryRegistry,
  locks: Pick<MemoryLocks, 'locked'>,
  arrivedAt = '2026-11-21T12:00:00.000Z',
): MemoryShelf {
  const removed: string[] = [];
  return {
    removed,
    list: async (repository) => registry.manifests(repository).map((digest) => ({ digest, arrivedAt })),
    remove: async (repository: string, digest: Digest) => {
      if (locks.locked.has(`${repository}@${digest}`))
        throw new AmlpromoteError('FORBIDDEN', `${repository}@${digest} is locked (405)`);
      if (registry.remove(repository, digest)) removed.push(`${repository}@${digest}`);
    },
  };
}
