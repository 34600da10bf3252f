import { readFile, readdir, stat } from 'node:fs/promises';
import type { Descriptor } from '../../domain/descriptor.ts';
import { maxManifestBytes } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { annotations, mediaTypes } from '../../domain/media-types.ts';
import { isRepositoryName, isTag } from '../../domain/names.ts';
import { parseStrictJson, refuseCaseFolded } from '../../json/strict.ts';
import { arrayOf, objectOf, parseDescriptor } from '../descriptor.ts';
import { indexKeys, parseIndex, parseManifest, referrerOf } from '../manifest.ts';
import { readChecked } from './blob-reader.ts';
import { writeAtomically } from './files.ts';
import type { Lock } from './lock.ts';
import type { StorePaths } from './paths.ts';
import { blobPath } from './paths.ts';

/** On an entry without a name: the repository that it belongs to. */
const repositoryKey = 'dev.amlpromote.store.repository';
/** On any entry: the digest of the manifest's subject, so that referrers are found without opening every manifest. */
const subjectKey = 'dev.amlpromote.store.subject';

const maxIndexBytes = 64 * 1024 * 1024;
const maxEntries = 200_000;

/**
 * One line of `index.json`. Ours have a repository, and one without a tag for each manifest (it belongs to the repository)
 * beside one for each tag. Other tools' entries are kept as they are: `repository:tag` names read as ours, anything else
 * belongs to every repository.
 */
export interface Entry {
  /** As written, all annotations included. */
  readonly descriptor: Descriptor;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly subject: Digest | undefined;
  readonly foreign: boolean;
}

export interface IndexFile {
  /** What is on the disk now. The same array as long as the file is the same. */
  read(): Promise<readonly Entry[]>;
  /** Under the lock: reads, applies and writes, if anything changed. */
  update(change: (entries: readonly Entry[]) => readonly Entry[] | Promise<readonly Entry[]>): Promise<void>;
}

/**
 * `index.json` of the layout (image-spec, image-layout.md#indexjson-file), the only place that knows tags. Names are
 * written as `repository:tag` in `org.opencontainers.image.ref.name`, which skopeo reads (`oci:DIR:repository:tag`). oras
 * and notation take what follows the last colon for the name, so they read `DIR@sha256:…`, as every tool does.
 * @throws STORE_CORRUPT when it is not an index
 */
export function createIndexFile(paths: StorePaths, lock: Lock): IndexFile {
  let cached: { readonly stamp: string; readonly entries: readonly Entry[] } | undefined;

  const read = async (): Promise<readonly Entry[]> => {
    const facts = await stat(paths.index, { bigint: true });
    // It is only ever replaced by rename: another file has another inode or another time.
    const stamp = `${String(facts.ino)} ${String(facts.mtimeNs)} ${String(facts.size)}`;
    if (cached?.stamp === stamp) return cached.entries;
    const entries = parseEntries(paths, await readFile(paths.index));
    cached = { stamp, entries };
    return entries;
  };

  return {
    read,
    update: (change) =>
      lock(async () => {
        const before = await read();
        const after = await change(before);
        if (after !== before) await writeEntries(paths, after);
      }),
  };
}

/** The entry for a manifest, with a tag or (belonging to the repository) without. */
export function entryOf(
  descriptor: Descriptor,
  repository: string,
  tag: string | undefined,
  subject: Digest | undefined,
): Entry {
  const { mediaType, digest, size, artifactType, platform } = descriptor;
  const marks = {
    ...(tag === undefined
      ? { [repositoryKey]: repository }
      : { [annotations.refName]: `${repository}:${tag}` }),
    [subjectKey]: subject ?? '',
  };
  return {
    descriptor: {
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(platform === undefined ? {} : { platform }),
      annotations: marks,
    },
    repository,
    tag,
    subject,
    foreign: false,
  };
}

/** Entry for a manifest that nobody has named: found when a lost `index.json` is made anew. */
const foreignEntry = (descriptor: Descriptor, subject: Digest | undefined): Entry => ({
  descriptor,
  repository: undefined,
  tag: undefined,
  subject,
  foreign: true,
});

export const belongsTo = (entry: Entry, repository: string): boolean =>
  entry.repository === undefined || entry.repository === repository;

const orderOf = ({ repository, tag, descriptor }: Entry): string =>
  `${repository ?? ''}\u0000${tag ?? ''}\u0000${descriptor.digest}`;

export async function writeEntries(paths: StorePaths, entries: readonly Entry[]): Promise<void> {
  const sorted = entries
    .map((entry) => ({ key: orderOf(entry), entry }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: sorted.map(({ entry }) => entry.descriptor),
  };
  await writeAtomically(paths, paths.index, Buffer.from(`${JSON.stringify(index, undefined, 1)}\n`));
}

/**
 * For an `index.json` that is gone while the blobs are there: every blob that is a manifest becomes an entry that belongs
 * to every repository. The tags are lost, the content and its evidence are not.
 */
export async function rebuildEntries(paths: StorePaths): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const name of await readdir(paths.blobs)) {
    const digest = `sha256:${name}`;
    if (!isDigest(digest)) continue;
    const { size } = await stat(blobPath(paths, digest));
    const bytes =
      size > maxManifestBytes ? undefined : await readChecked(paths, digest).catch(() => undefined);
    if (bytes?.[0] !== 0x7b) continue;
    for (const parse of [parseManifest, parseIndex]) {
      const mediaType = parse === parseManifest ? mediaTypes.ociManifest : mediaTypes.ociIndex;
      try {
        const content = { descriptor: { mediaType, digest, size }, bytes };
        parse(content);
        entries.push(foreignEntry(content.descriptor, referrerOf(content)?.subject.digest));
      } catch {
        // Any other JSON: a config, a bundle.
      }
    }
  }
  return entries;
}

function parseEntries(paths: StorePaths, bytes: Uint8Array): readonly Entry[] {
  const where = paths.index;
  try {
    const options = { where, maxBytes: maxIndexBytes, numbers: 'integers' } as const;
    const body = objectOf(parseStrictJson(bytes, options), where);
    // Other programs read this file as well: they would take the misspelt list for the list.
    refuseCaseFolded(body, indexKeys, where);
    return arrayOf(body.manifests, where, maxEntries).map((value) => toEntry(parseDescriptor(value, where)));
  } catch (cause) {
    throw new AmlpromoteError('STORE_CORRUPT', `${where} is not an OCI image index`, {
      cause,
      nextSteps: [
        `Remove ${where}: it is made anew from the content; only the tags are lost, so builds run again.`,
        'Or use another store: --store DIR.',
      ],
    });
  }
}

function toEntry(descriptor: Descriptor): Entry {
  const marks = descriptor.annotations ?? {};
  const subjectMark = marks[subjectKey];
  const subject = subjectMark !== undefined && isDigest(subjectMark) ? subjectMark : undefined;
  const repository = marks[repositoryKey];
  if (repository !== undefined && isRepositoryName(repository)) {
    return { descriptor, repository, tag: undefined, subject, foreign: false };
  }
  const name = marks[annotations.refName] ?? '';
  const colon = name.lastIndexOf(':');
  const [prefix, tag] = [name.slice(0, Math.max(colon, 0)), name.slice(colon + 1)];
  const foreign = subjectMark === undefined;
  if (isRepositoryName(prefix) && isTag(tag)) {
    return { descriptor, repository: prefix, tag, subject, foreign };
  }
  return { descriptor, repository: undefined, tag: undefined, subject, foreign: true };
}

/** True when the entry does not say whether its manifest has a subject, so that one has to look. */
export const subjectIsUnknown = (entry: Entry): boolean =>
  entry.descriptor.annotations?.[subjectKey] === undefined;

/** The descriptor as a reader wants it: without the marks of this file. */
export function bareDescriptor({ descriptor }: Entry): Descriptor {
  const { mediaType, digest, size, artifactType, platform } = descriptor;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform }),
  };
}
