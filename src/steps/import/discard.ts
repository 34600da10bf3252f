import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import { quarantineOf } from '../../domain/names.ts';
import type { ReleaseDocument } from '../../domain/release.ts';
import { maxForeignEntries } from '../../evidence/limits.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import type { ContentReader, Registry } from '../../ports/content.ts';
import type { Inventory, Remover } from '../../ports/importer.ts';
import type { StepContext } from '../../ports/step-context.ts';
import { step } from '../step.ts';

export interface DiscardPorts extends Pick<StepContext, 'progress'> {
  /** The sensitive registry. */
  readonly registry: Registry;
  readonly inventory: Inventory;
  readonly remover: Remover;
}

export interface DiscardReport {
  readonly document: ReleaseDocument;
  /** The quarantine repository. */
  readonly repository: string;
  readonly removed: readonly Digest[];
  /** Of the release, but another one that waits there lists it too. */
  readonly kept: readonly Digest[];
  readonly already: boolean;
}

/**
 * Removes a release from quarantine: its index, what that lists, and its signatures. What another index there lists too stays,
 * and nothing outside of the quarantine repository is touched. `release.json` is believed in nothing else than what to look for.
 * The index goes last, so that a run that was killed is gone on with.
 * @throws INCONCLUSIVE when there is too much to tell what is shared; FORBIDDEN without the right to delete; what the registry throws
 */
export async function discardRelease(document: ReleaseDocument, ports: DiscardPorts): Promise<DiscardReport> {
  return await step(
    ports,
    'import',
    `${document.name} ${document.version} (release ${document.release}) in ${quarantineOf(document.repository)}`,
    async () => await removeRelease(document, ports),
    ({ already, removed }) => ({ already, detail: `${removed.length} manifests removed` }),
  );
}

async function removeRelease(
  document: ReleaseDocument,
  { registry, inventory, remover, progress }: DiscardPorts,
): Promise<DiscardReport> {
  const repository = quarantineOf(document.repository);
  const content = registry.repository(repository);
  const own = await listedBelow(content, document.index.digest);
  const others = await listedByOthers(content, await inventory.list(repository), own);
  const signatures = await signaturesOf(content, document);
  const candidates = [...signatures, ...[...own].reverse()];
  const doomed = new Set(candidates.filter((digest) => !others.has(digest)));
  await spareSubjects(
    content,
    candidates.filter((digest) => others.has(digest)),
    doomed,
  );

  const removed: Digest[] = [];
  const postponed: Digest[] = [];
  const remove = async (digest: Digest): Promise<void> => {
    await remover.remove(repository, digest);
    removed.push(digest);
    progress({ type: 'effect', step: 'import', effect: 'removed', subject: `${repository}@${digest}` });
  };
  const there = await presentOf(content, [...doomed]);
  for (const digest of there) {
    await remove(digest).catch((error: unknown) => {
      // A registry may want the list gone before what it lists.
      if (!(error instanceof AmlpromoteError) || error.code !== 'OPERATION_FAILED') throw error;
      postponed.push(digest);
    });
  }
  for (const digest of postponed.reverse()) await remove(digest);

  const kept = await presentOf(
    content,
    candidates.filter((digest) => !doomed.has(digest)),
  );
  return { document, repository, removed, kept, already: removed.length === 0 };
}

const concurrent = 8;

/** Only what is there, in the order given. */
async function presentOf(content: ContentReader, digests: readonly Digest[]): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for (let start = 0; start < digests.length; start += concurrent) {
    const batch = digests.slice(start, start + concurrent);
    const there = await Promise.all(batch.map(async (digest) => await content.resolve(digest)));
    found.push(...batch.filter((_, at) => there[at] !== undefined));
  }
  return found;
}

/** A manifest and, where it is an index, all below it, parents first. What does not read is a leaf. */
async function listedBelow(
  content: ContentReader,
  root: Digest,
  found = new Set<Digest>(),
): Promise<Set<Digest>> {
  if (found.has(root)) return found;
  found.add(root);
  for (const child of await childrenOf(content, root)) await listedBelow(content, child, found);
  return found;
}

async function childrenOf(content: ContentReader, digest: Digest): Promise<readonly Digest[]> {
  return await unlessDamaged(async () => {
    const there = await content.resolve(digest);
    if (!there || !isIndexType(there.mediaType)) return [];
    const index = await content.manifest(digest);
    return index ? parseIndex(index).manifests.map((child) => child.digest) : [];
  }, []);
}

/** What other indexes list. Anything may lie in quarantine, so each is looked at. */
async function listedByOthers(
  content: ContentReader,
  stored: readonly { readonly digest: Digest }[],
  own: ReadonlySet<Digest>,
): Promise<ReadonlySet<Digest>> {
  const foreign = stored.map(({ digest }) => digest).filter((digest) => !own.has(digest));
  if (foreign.length > maxForeignEntries) throw tooMuch(foreign.length);
  const listed = new Set<Digest>();
  for (let start = 0; start < foreign.length; start += concurrent) {
    const batch = foreign.slice(start, start + concurrent);
    await Promise.all(
      batch.map(async (digest) => {
        const children = await childrenOf(content, digest);
        if (children.length === 0) return;
        for (const one of await listedBelow(content, digest)) listed.add(one);
      }),
    );
  }
  return listed;
}

/** What `release.json` calls signatures, and what else is attached to the index; but nothing that is attached to something else. */
async function signaturesOf(content: ContentReader, document: ReleaseDocument): Promise<readonly Digest[]> {
  const attached = await unlessDamaged(async () => await content.referrers(document.index.digest), []);
  const named = await Promise.all(
    document.signatures.map(async (digest) => {
      const subject = await subjectOf(content, digest);
      return subject === undefined || subject === document.index.digest ? [digest] : [];
    }),
  );
  return [...new Set([...named.flat(), ...attached.map(({ digest }) => digest)])];
}

/** With a manifest, ACR deletes what refers to it: what stays keeps its subject. */
async function spareSubjects(
  content: ContentReader,
  kept: readonly Digest[],
  doomed: Set<Digest>,
): Promise<void> {
  for (const digest of kept) {
    const subject = await subjectOf(content, digest);
    if (subject !== undefined) doomed.delete(subject);
  }
}

const subjectOf = async (content: ContentReader, digest: Digest): Promise<Digest | undefined> =>
  await unlessDamaged(async () => {
    const manifest = await content.manifest(digest);
    if (!manifest || isIndexType(manifest.descriptor.mediaType)) return undefined;
    return parseManifest(manifest).subject?.digest;
  }, undefined);

/** Damaged content is what people want to get rid of. */
async function unlessDamaged<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AmlpromoteError && ['CONTENT_INVALID', 'INTEGRITY_MISMATCH'].includes(error.code))
      return otherwise;
    throw error;
  }
}

const tooMuch = (count: number): AmlpromoteError =>
  new AmlpromoteError(
    'INCONCLUSIVE',
    `${count} other manifests are in quarantine: what of this release they share cannot be told`,
    { nextSteps: ['Delete what is old from the quarantine repository with the tools of the registry.'] },
  );
