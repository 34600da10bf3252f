import { stat, utimes } from 'node:fs/promises';
import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isImageManifestType, isIndexType } from '../../domain/media-types.ts';
import { isRepositoryName, isTag } from '../../domain/names.ts';
import { sha256 } from '../../domain/sha256.ts';
import type { Repository } from '../../ports/content.ts';
import { childrenOf, referrerOf } from '../manifest.ts';
import { mismatch } from '../verified.ts';
import { missingBlob, openBlob, readChecked } from './blob-reader.ts';
import { writeVerifiedBlob } from './blob-writer.ts';
import { guarded, isMissing, syncDirectory, writeAtomically } from './files.ts';
import type { Entry, IndexFile } from './index-file.ts';
import { bareDescriptor, belongsTo, entryOf, subjectIsUnknown } from './index-file.ts';
import type { StorePaths } from './paths.ts';
import { blobPath } from './paths.ts';

/** Nesting of indexes, as in the copy engine. */
const maxDepth = 5;

export interface StoreParts {
  readonly paths: StorePaths;
  readonly index: IndexFile;
  /** To be awaited before anything is written or relied upon. */
  readonly session: () => Promise<void>;
}

/** A `Repository` that can forget a name, too. */
export interface StoreRepository extends Repository {
  /** Takes the tag away (the content stays until `prune`). True when it was there. */
  untag(tag: string): Promise<boolean>;
}

/**
 * One repository of the store. Blobs are shared by all repositories, so mounting is nothing; manifests and tags belong to
 * their repository, as in a registry.
 */
export function storeRepository(parts: StoreParts, name: string): StoreRepository {
  if (!isRepositoryName(name)) {
    throw new AmlpromoteError('USAGE', `${JSON.stringify(name.slice(0, 300))} is not a repository name`);
  }
  const { paths, index } = parts;
  const on = <T>(what: string, work: () => Promise<T>): Promise<T> => guarded(paths.root, what, work);

  const find = async (reference: string): Promise<Entry | undefined> =>
    (await index.read()).find((entry) =>
      isDigest(reference)
        ? entry.descriptor.digest === reference && belongsTo(entry, name)
        : entry.tag === reference && entry.repository === name,
    );

  const load = async (entry: Entry): Promise<ManifestContent | undefined> => {
    const bytes = await readChecked(paths, entry.descriptor.digest);
    if (!bytes) return undefined;
    return { descriptor: { ...bareDescriptor(entry), size: bytes.byteLength }, bytes };
  };

  /**
   * Whoever finds a manifest takes its content for present (and copies nothing). That holds when it is pushed; after a
   * corrupt blob was moved aside it does not, and the manifest counts as missing until it is repaired.
   */
  const isComplete = async ({ descriptor }: Entry, depth = 0): Promise<boolean> => {
    if (!(await has(paths, descriptor))) return false;
    if (depth > maxDepth || !isManifestType(descriptor.mediaType)) return true;
    const bytes = await readChecked(paths, descriptor.digest);
    if (!bytes) return false;
    for (const child of childrenOf({ descriptor, bytes })) {
      const entry = isManifestType(child.mediaType) ? await find(child.digest) : undefined;
      if (entry ? !(await isComplete(entry, depth + 1)) : !(await has(paths, child))) return false;
    }
    return true;
  };

  return {
    name,

    resolve: (reference) =>
      on('read the index', async () => {
        const entry = await find(reference);
        return entry && (await isComplete(entry)) ? bareDescriptor(entry) : undefined;
      }),

    manifest: (reference) =>
      on(`read ${name} ${reference}`, async () => {
        const entry = await find(reference);
        return entry && load(entry);
      }),

    blob: (descriptor) => on(`read ${descriptor.digest}`, () => openBlob(paths, descriptor)),

    referrers: (subject, artifactType) =>
      on(`list what refers to ${subject}`, async () => {
        const found = new Map<Digest, Descriptor>();
        for (const entry of await index.read()) {
          if (!belongsTo(entry, name) || found.has(entry.descriptor.digest)) continue;
          if (entry.subject !== subject && !subjectIsUnknown(entry)) continue;
          const content = await load(entry);
          const referrer = content && referrerOf(content);
          if (referrer?.subject.digest === subject) found.set(entry.descriptor.digest, referrer.descriptor);
        }
        return [...found.values()].filter(
          (descriptor) => artifactType === undefined || descriptor.artifactType === artifactType,
        );
      }),

    hasBlob: (descriptor) =>
      on(`look for ${descriptor.digest}`, async () => {
        await parts.session();
        return touch(paths, descriptor);
      }),

    pushBlob: (descriptor, open, options = {}) =>
      on(`write ${descriptor.digest}`, async () => {
        await parts.session();
        options.signal?.throwIfAborted();
        // No look whether it is there: whoever pushes wants it written, and a bad file is repaired by that.
        await writeVerifiedBlob(
          paths,
          descriptor,
          await open(),
          options.onBytes ?? (() => undefined),
          options.signal,
        );
        return 'uploaded' as const;
      }),

    pushManifest: (content, tag) =>
      on(`write manifest ${content.descriptor.digest}`, async () => {
        await parts.session();
        if (tag !== undefined) checkTag(tag);
        const { digest } = content.descriptor;
        if (sha256(content.bytes) !== digest)
          throw mismatch(content.descriptor, 'a manifest with other bytes');
        const referrer = referrerOf(content);
        const children = childrenOf(content);
        const artifactType = content.descriptor.artifactType ?? referrer?.descriptor.artifactType;
        const descriptor = { ...content.descriptor, ...(artifactType === undefined ? {} : { artifactType }) };
        // Under the lock, so that no prune comes between looking and naming.
        await index.update(async (entries) => {
          for (const child of children) await requireChild(child, entries, name, paths);
          await syncDirectory(paths.blobs);
          if (!(await isIntact(paths, digest)))
            await writeAtomically(paths, blobPath(paths, digest), content.bytes);
          return withManifest(entries, descriptor, name, tag, referrer?.subject.digest);
        });
      }),

    tags: () =>
      on('read the index', async () =>
        (await index.read())
          .filter((entry) => entry.repository === name)
          .flatMap(({ tag }) => tag ?? [])
          .sort(),
      ),

    untag: (tag) =>
      on(`remove tag ${tag}`, async () => {
        let removed = false;
        await index.update((entries) => {
          const rest = entries.filter((entry) => !(entry.repository === name && entry.tag === tag));
          removed = rest.length < entries.length;
          return removed ? rest : entries;
        });
        return removed;
      }),
  };
}

/** The same array when there is nothing to change: then nothing is written. */
function withManifest(
  entries: readonly Entry[],
  descriptor: Descriptor,
  repository: string,
  tag: string | undefined,
  subject: Digest | undefined,
): readonly Entry[] {
  const same = (entry: Entry): boolean =>
    entry.repository === repository && entry.descriptor.digest === descriptor.digest;
  const member = entries.some((entry) => same(entry) && entry.tag === undefined);
  const tagged = tag === undefined || entries.some((entry) => same(entry) && entry.tag === tag);
  if (member && tagged) return entries;
  const kept = tagged
    ? entries
    : entries.filter((entry) => !(entry.repository === repository && entry.tag === tag));
  return [
    ...kept,
    ...(member ? [] : [entryOf(descriptor, repository, undefined, subject)]),
    ...(tagged ? [] : [entryOf(descriptor, repository, tag, subject)]),
  ];
}

const isManifestType = (mediaType: string): boolean =>
  isIndexType(mediaType) || isImageManifestType(mediaType);

/** As a registry does: no manifest without its content, so a tag never names something incomplete. */
async function requireChild(
  child: Descriptor,
  entries: readonly Entry[],
  repository: string,
  paths: StorePaths,
): Promise<void> {
  const known = entries.some(
    (entry) => entry.descriptor.digest === child.digest && belongsTo(entry, repository),
  );
  if (isManifestType(child.mediaType) && !known) throw missingBlob(paths, child.digest);
  if (!(await touch(paths, child))) throw missingBlob(paths, child.digest);
}

async function has(paths: StorePaths, descriptor: Descriptor): Promise<boolean> {
  try {
    return (await stat(blobPath(paths, descriptor.digest))).size === descriptor.size;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Is it there? If so it may be relied upon now: its new time tells `prune`. */
async function touch(paths: StorePaths, descriptor: Descriptor): Promise<boolean> {
  if (!(await has(paths, descriptor))) return false;
  const now = new Date();
  try {
    await utimes(blobPath(paths, descriptor.digest), now, now);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function isIntact(paths: StorePaths, digest: Digest): Promise<boolean> {
  try {
    return (await readChecked(paths, digest)) !== undefined;
  } catch {
    return false;
  }
}

function checkTag(tag: string): void {
  if (!isTag(tag)) throw new AmlpromoteError('USAGE', `${JSON.stringify(tag.slice(0, 200))} is not a tag`);
}
