import { Readable } from 'node:stream';
import type { Descriptor, ManifestContent } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { isDigest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { isIndexType, mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { parseListing } from '../../src/oci/listing.ts';
import { childrenOf } from '../../src/oci/manifest.ts';
import { createVerifier } from '../../src/oci/verified.ts';
import type { Registry, Repository } from '../../src/ports/content.ts';

export type MemoryOperation = keyof Repository;

/** `Registry` in memory: verifies what is pushed, wants children before parents, mounts between its repositories. */
export interface MemoryRegistry extends Registry {
  /** Every call so far, as `operation repository subject`. */
  readonly calls: string[];
  /** Forgets a blob or manifest (and tags on it) everywhere. */
  drop(digest: Digest): void;
  /** Forgets a manifest of one repository with its tags and, as ACR does, what refers to it. False when it was not there. */
  remove(repository: string, digest: Digest): boolean;
  /** Forgets a tag. */
  untag(repository: string, tag: string): void;
  /** Keeps the digest but serves other bytes for it. */
  corrupt(digest: Digest, bytes: Uint8Array): void;
  /** The next `times` calls (of that operation, if given) throw `error`. */
  fail(times: number, error: Error, operation?: MemoryOperation): void;
  /** Ends what `fail` began. */
  mend(): void;
  /** Puts a blob without a verification of its own; returns its descriptor. */
  putBlob(repository: string, bytes: Uint8Array | string, mediaType?: string): Descriptor;
  /** Puts a manifest without asking for its children; returns its descriptor. */
  putManifest(repository: string, content: ManifestContent, tag?: string): Descriptor;
  /** Digests of all manifests of a repository, in order of arrival. */
  manifests(repository: string): readonly Digest[];
}

interface Shelf {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, ManifestContent>;
  readonly tags: Map<string, Digest>;
}

interface State {
  readonly shelves: Map<string, Shelf>;
  enter(operation: MemoryOperation, repository: string, subject: string): void;
}

export function memoryRegistry(host = 'memory.test'): MemoryRegistry {
  const calls: string[] = [];
  const shelves = new Map<string, Shelf>();
  const faults: { times: number; error: Error; operation?: MemoryOperation }[] = [];
  const state: State = {
    shelves,
    enter(operation, repository, subject) {
      calls.push(`${operation} ${repository} ${subject}`);
      const fault = faults.find(
        (one) => one.times > 0 && (one.operation === undefined || one.operation === operation),
      );
      if (!fault) return;
      fault.times -= 1;
      throw fault.error;
    },
  };
  return {
    host,
    calls,
    repository: (name) => memoryRepository(state, name),
    drop(digest) {
      for (const shelf of shelves.values()) {
        shelf.blobs.delete(digest);
        shelf.manifests.delete(digest);
        for (const [tag, target] of shelf.tags) if (target === digest) shelf.tags.delete(tag);
      }
    },
    remove: (repository, digest) => removeWithReferrers(shelfOf(state, repository), digest),
    untag: (repository, tag) => void shelfOf(state, repository).tags.delete(tag),
    corrupt(digest, bytes) {
      for (const shelf of shelves.values()) {
        if (shelf.blobs.has(digest)) shelf.blobs.set(digest, bytes);
        const manifest = shelf.manifests.get(digest);
        if (manifest) shelf.manifests.set(digest, { ...manifest, bytes });
      }
    },
    fail: (times, error, operation) =>
      void faults.push({ times, error, ...(operation === undefined ? {} : { operation }) }),
    mend: () => void faults.splice(0),
    putBlob(repository, content, mediaType = 'application/octet-stream') {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      const digest = sha256(bytes);
      shelfOf(state, repository).blobs.set(digest, bytes);
      return { mediaType, digest, size: bytes.byteLength };
    },
    putManifest(repository, content, tag) {
      store(shelfOf(state, repository), content, tag);
      return content.descriptor;
    },
    manifests: (repository) => [...shelfOf(state, repository).manifests.keys()],
  };
}

function memoryRepository(state: State, name: string): Repository {
  const shelf = (): Shelf => shelfOf(state, name);
  const find = (reference: string): ManifestContent | undefined => {
    const digest = isDigest(reference) ? reference : shelf().tags.get(reference);
    return digest === undefined ? undefined : shelf().manifests.get(digest);
  };
  return {
    name,
    async resolve(reference) {
      state.enter('resolve', name, reference);
      return find(reference)?.descriptor;
    },
    async manifest(reference) {
      state.enter('manifest', name, reference);
      const found = find(reference);
      if (found && sha256(found.bytes) !== found.descriptor.digest) throw mismatchOf(found.descriptor);
      return found;
    },
    async blob(descriptor) {
      state.enter('blob', name, descriptor.digest);
      const bytes = shelf().blobs.get(descriptor.digest);
      if (!bytes)
        throw new AmlpromoteError('LISTED_CONTENT_MISSING', `${name} does not have ${descriptor.digest}`);
      return Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
    },
    async referrers(subject, artifactType) {
      state.enter('referrers', name, subject);
      const manifests = [...shelf().manifests.values()].flatMap((content) => listedUnder(content, subject));
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
      const descriptor = { mediaType: mediaTypes.ociIndex, digest: sha256(bytes), size: bytes.byteLength };
      return parseListing({ descriptor, bytes }).entries.filter(
        (entry) => artifactType === undefined || entry.artifactType === artifactType,
      );
    },
    async hasBlob(descriptor) {
      state.enter('hasBlob', name, descriptor.digest);
      return shelf().blobs.has(descriptor.digest);
    },
    async pushBlob(descriptor, open, options = {}) {
      state.enter('pushBlob', name, descriptor.digest);
      const sibling =
        options.mountFrom === undefined
          ? undefined
          : state.shelves.get(options.mountFrom)?.blobs.get(descriptor.digest);
      if (sibling) {
        shelf().blobs.set(descriptor.digest, sibling);
        return 'mounted';
      }
      const verifier = createVerifier(descriptor);
      const chunks: Uint8Array[] = [];
      for await (const chunk of await open()) {
        if (options.signal?.aborted) throw new AmlpromoteError('INTERRUPTED', 'interrupted');
        verifier.update(chunk as Uint8Array);
        chunks.push(chunk as Uint8Array);
        options.onBytes?.(verifier.received);
      }
      verifier.finish();
      shelf().blobs.set(descriptor.digest, Buffer.concat(chunks));
      return 'uploaded';
    },
    async pushManifest(content, tag) {
      state.enter('pushManifest', name, tag ?? content.descriptor.digest);
      if (sha256(content.bytes) !== content.descriptor.digest) throw mismatchOf(content.descriptor);
      const known: ReadonlyMap<Digest, unknown> = isIndexType(content.descriptor.mediaType)
        ? shelf().manifests
        : shelf().blobs;
      const missing = childrenOf(content).find((child) => !known.has(child.digest));
      if (missing) {
        throw new AmlpromoteError('OPERATION_FAILED', `${name}: MANIFEST_BLOB_UNKNOWN ${missing.digest}`);
      }
      store(shelf(), content, tag);
    },
    async tags() {
      state.enter('tags', name, '');
      return [...shelf().tags.keys()].sort();
    },
  };
}

function shelfOf(state: State, name: string): Shelf {
  const found = state.shelves.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
  state.shelves.set(name, found);
  return found;
}

function store(shelf: Shelf, content: ManifestContent, tag: string | undefined): void {
  shelf.manifests.set(content.descriptor.digest, content);
  if (tag !== undefined) shelf.tags.set(tag, content.descriptor.digest);
}

const mismatchOf = (descriptor: Descriptor): AmlpromoteError =>
  new AmlpromoteError('INTEGRITY_MISMATCH', `manifest ${descriptor.digest} has other bytes`);

function removeWithReferrers(shelf: Shelf, digest: Digest): boolean {
  if (!shelf.manifests.delete(digest)) return false;
  for (const [tag, target] of shelf.tags) if (target === digest) shelf.tags.delete(tag);
  for (const content of [...shelf.manifests.values()])
    if (subjectOf(content) === digest) removeWithReferrers(shelf, content.descriptor.digest);
  return true;
}

/** As a registry lists it that looks into manifests no further than it must: junk is listed with what it says. */
function listedUnder({ descriptor, bytes }: ManifestContent, subject: Digest): readonly object[] {
  const found = membersOf(bytes);
  if (found?.subject?.digest !== subject) return [];
  const { mediaType, digest, size } = descriptor;
  const { artifactType = found.config?.mediaType, annotations } = found;
  return [{ mediaType, digest, size, artifactType, annotations }];
}

interface Members {
  readonly subject?: { readonly digest?: unknown } | null;
  readonly config?: { readonly mediaType?: unknown } | null;
  readonly artifactType?: unknown;
  readonly annotations?: unknown;
}

function membersOf(bytes: Uint8Array): Members | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Members;
  } catch {
    return undefined;
  }
}

/** Undefined for bytes that a test has damaged. */
const subjectOf = ({ descriptor, bytes }: ManifestContent): unknown =>
  sha256(bytes) === descriptor.digest ? membersOf(bytes)?.subject?.digest : undefined;
