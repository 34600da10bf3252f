import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Registry, Repository } from '../../src/ports/content.ts';
import type { Locks } from '../../src/ports/importer.ts';

/** Locks as ACR's data plane has them: a locked manifest is not written again and takes no new tag, a locked tag does not move. */
export interface MemoryLocks extends Locks {
  /** `repository@digest` and `repository:tag`. */
  readonly locked: ReadonlySet<string>;
  /** The registry as its clients see it. */
  readonly registry: Registry;
}

export function memoryLocks(unlocked: Registry): MemoryLocks {
  const locked = new Set<string>();
  const change = async (repository: string, reference: string, to: boolean): Promise<void> => {
    if (!(await unlocked.repository(repository).resolve(reference)))
      throw new AmlpromoteError('NOT_FOUND', `${repository} has no ${reference}`);
    if (to) locked.add(nameOf(repository, reference));
    else locked.delete(nameOf(repository, reference));
  };
  const guard = (repository: Repository): Repository => ({
    ...repository,
    pushManifest: async (content, tag) => {
      const touched = [content.descriptor.digest, ...(tag === undefined ? [] : [tag])];
      const closed = touched.find((one) => locked.has(nameOf(repository.name, one)));
      if (closed !== undefined)
        throw new AmlpromoteError('FORBIDDEN', `${nameOf(repository.name, closed)} is locked (405)`);
      await repository.pushManifest(content, tag);
    },
  });
  return {
    locked,
    registry: { host: unlocked.host, repository: (name) => guard(unlocked.repository(name)) },
    lockManifest: async (repository, digest) => change(repository, digest, true),
    unlockManifest: async (repository, digest) => change(repository, digest, false),
    lockTag: async (repository, tag) => change(repository, tag, true),
  };
}

const nameOf = (repository: string, reference: Digest | string): string =>
  `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
