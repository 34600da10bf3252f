import type { Digest } from '../../src/domain/digest.ts';

/** ACR's `changeableAttributes`: what a lock takes away. */
export interface Attributes {
  readonly deleteEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly listEnabled: boolean;
  readonly readEnabled: boolean;
}

export const unlocked: Attributes = {
  deleteEnabled: true,
  writeEnabled: true,
  listEnabled: true,
  readEnabled: true,
};

/** What every locked or dated thing has. Times are ISO 8601, UTC. */
interface Dated {
  readonly createdTime: string;
  readonly lastUpdateTime: string;
  readonly attributes: Attributes;
}

/** What is known of a manifest beside its bytes, which lie among the blobs. */
export interface ManifestFacts {
  readonly mediaType: string;
  readonly size: number;
  readonly configMediaType?: string | undefined;
  /** For the referrers list: the manifest's own, or its config's media type (distribution-spec, "Listing Referrers"). */
  readonly artifactType?: string | undefined;
  readonly subject?: Digest | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Layers plus config, bytes. */
  readonly imageSize: number;
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
}

export type ManifestRecord = ManifestFacts & Dated;
export interface TagRecord extends Dated {
  readonly digest: Digest;
}

/** One repository as it lies on disk, `repositories/<encoded name>.json`. */
export interface RepositoryData extends Dated {
  readonly name: string;
  readonly blobs: Record<Digest, true>;
  readonly manifests: Record<Digest, ManifestRecord>;
  readonly tags: Record<string, TagRecord>;
}

export interface ReferrerRecord {
  readonly digest: Digest;
  readonly manifest: ManifestRecord;
}

/** Which blobs, manifests and tags a repository shows. Every change is on disk when the method returns. */
export class Repository {
  #data: RepositoryData;
  readonly #save: (data: RepositoryData) => void;
  readonly #now: () => string;

  constructor(data: RepositoryData, save: (data: RepositoryData) => void, now: () => string) {
    this.#data = data;
    this.#save = save;
    this.#now = now;
  }

  get data(): RepositoryData {
    return this.#data;
  }

  manifest(digest: Digest): ManifestRecord | undefined {
    return this.#data.manifests[digest];
  }

  tag(name: string): TagRecord | undefined {
    return this.#data.tags[name];
  }

  tagsOf(digest: Digest): string[] {
    return Object.keys(this.#data.tags).filter((name) => this.#data.tags[name]?.digest === digest);
  }

  /** Manifests that name `subject`, in order of digest. */
  referrersOf(subject: Digest): ReferrerRecord[] {
    return (Object.entries(this.#data.manifests) as [Digest, ManifestRecord][])
      .filter(([, manifest]) => manifest.subject === subject)
      .map(([digest, manifest]) => ({ digest, manifest }))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  hasBlob(digest: Digest): boolean {
    return this.#data.blobs[digest] === true;
  }

  addBlob(digest: Digest): void {
    if (this.hasBlob(digest)) return;
    this.#change({ blobs: { ...this.#data.blobs, [digest]: true } });
  }

  deleteBlob(digest: Digest): void {
    this.#change({ blobs: without(this.#data.blobs, [digest]) });
  }

  /** Shows a manifest; the same again only touches its time. */
  putManifest(digest: Digest, facts: ManifestFacts): void {
    const before = this.manifest(digest);
    const record = { ...facts, ...this.#dated(before) };
    this.#change({ manifests: { ...this.#data.manifests, [digest]: record } });
  }

  putTag(name: string, digest: Digest): void {
    const record = { digest, ...this.#dated(this.tag(name)) };
    this.#change({ tags: { ...this.#data.tags, [name]: record } });
  }

  /** With the manifest go the tags that point to it. */
  deleteManifest(digest: Digest): void {
    const manifests = without(this.#data.manifests, [digest]);
    this.#change({ manifests, tags: without(this.#data.tags, this.tagsOf(digest)) });
  }

  deleteTag(name: string): void {
    this.#change({ tags: without(this.#data.tags, [name]) });
  }

  setManifestAttributes(digest: Digest, attributes: Attributes): void {
    const before = this.manifest(digest);
    if (!before) return;
    this.#change({ manifests: { ...this.#data.manifests, [digest]: { ...before, attributes } } });
  }

  setTagAttributes(name: string, attributes: Attributes): void {
    const before = this.tag(name);
    if (!before) return;
    this.#change({ tags: { ...this.#data.tags, [name]: { ...before, attributes } } });
  }

  setAttributes(attributes: Attributes): void {
    this.#change({ attributes });
  }

  #dated(before: Dated | undefined): Dated {
    const lastUpdateTime = this.#now();
    const { createdTime = lastUpdateTime, attributes = unlocked } = before ?? {};
    return { createdTime, lastUpdateTime, attributes };
  }

  #change(change: Partial<RepositoryData>): void {
    this.#data = { ...this.#data, ...change, lastUpdateTime: this.#now() };
    this.#save(this.#data);
  }
}

const without = <T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
