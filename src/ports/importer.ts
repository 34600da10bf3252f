import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import type { Progress } from '../domain/events.ts';

export interface ImportRequest {
  readonly sourceRepository: string;
  readonly targetRepository: string;
  /** A manifest or index, always by digest; untagged at the target. An index brings its children, if the route does. */
  readonly content: Descriptor;
  /**
   * Only a single manifest whose blobs are not larger than this together: nobody has vouched for it. A route that cannot look
   * before it carries does not heed this. CONTENT_INVALID when it is more.
   */
  readonly maxBytes?: number;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** An approved path between two registries. Already there = success. OPERATION_FAILED, NETWORK_DENIED, FORBIDDEN, TIMEOUT, NOT_FOUND. */
export interface Importer {
  readonly route: 'acr-import' | 'registry';
  /** `needs-subject`: nothing was carried, for the target takes no manifest before the one that it refers to. */
  carry(request: ImportRequest): Promise<'needs-subject' | undefined>;
}

/** Write and delete protection of what was admitted. Idempotent. A locked tag stays where it is. */
export interface Locks {
  lockManifest(repository: string, digest: string): Promise<void>;
  /** For another tag on it: a locked manifest takes none. */
  unlockManifest(repository: string, digest: string): Promise<void>;
  lockTag(repository: string, tag: string): Promise<void>;
}

/** What a registry knows of a manifest beside its content. */
export interface StoredManifest {
  readonly digest: Digest;
  /** RFC 3339: since when it is there, where the registry tells. */
  readonly arrivedAt: string | undefined;
}

/** Lists what OCI distribution does not: manifests without a tag. Empty for a missing repository. FORBIDDEN, NETWORK_DENIED … */
export interface Inventory {
  list(repository: string): Promise<readonly StoredManifest[]>;
}

/** Deletes manifests of quarantine repositories, and of no others. Gone already = success. */
export interface Remover {
  remove(repository: string, digest: Digest): Promise<void>;
}
