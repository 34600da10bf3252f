import type { Descriptor } from '../domain/descriptor.ts';
import type { Progress } from '../domain/events.ts';

export interface ImportRequest {
  readonly sourceRepository: string;
  readonly targetRepository: string;
  /** A manifest or index, always by digest; untagged at the target. An index brings its children, if the route does. */
  readonly content: Descriptor;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** An approved path between two registries. Already there = success. OPERATION_FAILED, NETWORK_DENIED, FORBIDDEN, TIMEOUT, NOT_FOUND. */
export interface Importer {
  readonly route: 'acr-import' | 'registry';
  carry(request: ImportRequest): Promise<void>;
}

/** Write and delete protection of what was admitted. Idempotent. */
export interface Locks {
  lockManifest(repository: string, digest: string): Promise<void>;
  /** For another tag on it: a locked manifest takes none. */
  unlockManifest(repository: string, digest: string): Promise<void>;
  lockTag(repository: string, tag: string): Promise<void>;
  unlockTag(repository: string, tag: string): Promise<void>;
}
