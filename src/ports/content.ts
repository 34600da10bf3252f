import type { Readable } from 'node:stream';
import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';

/**
 * One repository of a registry, or the same in the local store. Implemented by `src/oci/registry`, `src/oci/store` and,
 * for tests, `test/support/memory-registry.ts`. "Not there" is `undefined`; everything else that goes wrong throws
 * (UNAUTHENTICATED, FORBIDDEN, NETWORK_DENIED, UNREACHABLE, THROTTLED, TIMEOUT, INTEGRITY_MISMATCH, CONTENT_INVALID …), so
 * "no" and "could not check" cannot be confused.
 */
export interface ContentReader {
  /** HEAD: descriptor of a tag or digest without its body. A missing repository is also undefined. */
  resolve(reference: Digest | string): Promise<Descriptor | undefined>;
  /** GET: ≤ 4 MiB; the bytes were checked against the digest asked for (or the digest header for a tag). */
  manifest(reference: Digest | string): Promise<ManifestContent | undefined>;
  /**
   * The raw bytes of a blob, *unverified*: the consumer hashes (`pushBlob` does; `readBlob`/`verifiedStream` in
   * `src/oci/verified.ts` do for others). Throws LISTED_CONTENT_MISSING when it is not there.
   */
  blob(descriptor: Descriptor): Promise<Readable>;
  /** Everything attached to a subject: referrers API merged with the tag schema. Empty when nothing is. */
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
}

export interface PushBlobOptions {
  /** A sibling repository of the same registry that has it: mounted if the registry allows, else uploaded. */
  readonly mountFrom?: string;
  /** Called with the total of bytes sent so far. */
  readonly onBytes?: (sent: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ContentWriter {
  hasBlob(descriptor: Descriptor): Promise<boolean>;
  /**
   * Size and digest are checked before the upload is committed: INTEGRITY_MISMATCH, with nothing left behind.
   * `open` may be called again after a break.
   */
  pushBlob(
    descriptor: Descriptor,
    open: () => Promise<Readable>,
    options?: PushBlobOptions,
  ): Promise<'mounted' | 'uploaded'>;
  /** Untagged by digest, or under `tag` as well. Keeps the referrers tag schema up to date where the registry has no API. */
  pushManifest(content: ManifestContent, tag?: string): Promise<void>;
}

export interface Repository extends ContentReader, ContentWriter {
  readonly name: string;
  /** Every tag; pages are followed up to a limit. Empty for a missing repository. */
  tags(): Promise<readonly string[]>;
}

export interface Registry {
  /** `host[:port]`; for the store: `store`. */
  readonly host: string;
  repository(name: string): Repository;
}
