import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { parseDescriptor } from '../descriptor.ts';
import { childrenOf, referrerOf } from '../manifest.ts';
import { readChecked } from './blob-reader.ts';
import { isMissing } from './files.ts';
import { readFile } from 'node:fs/promises';
import type { Entry } from './index-file.ts';
import { bareDescriptor, writeEntries } from './index-file.ts';
import type { StorePaths } from './paths.ts';
import { blobPath } from './paths.ts';
import { stateOfName } from './process.ts';
import { oldestSession } from './sessions.ts';

export interface PruneResult {
  /** Files removed, and their size in bytes. */
  readonly removed: number;
  readonly bytes: number;
}

/** Milliseconds by which file times and session times may differ (coarse file systems, network mounts). */
const slack = 60_000;

/**
 * Tags by which the steps find their own work (build, facts, scan) hold an image for a week only: otherwise every build
 * that was ever made would stay. An image that a version or release names keeps them anyway.
 */
const isWorkTag = (tag: string): boolean => /^(?:build|facts|scan)-[0-9a-f]{12}$/.test(tag);
const workAge = 7 * 24 * 3600 * 1000;

/**
 * Frees what is not reachable from a tag, or attached to something that is. Content that a living process wrote, or
 * looked for and found, since it opened the store stays, so builds and imports may run meanwhile.
 * Call it under the lock.
 */
export async function pruneStore(
  paths: StorePaths,
  entries: readonly Entry[],
  now: number,
): Promise<PruneResult> {
  const cutoff = (await oldestSession(paths, now)) - slack;
  const kept = await reachable(paths, entries, cutoff, now);
  const rest = entries.filter((entry) => kept.has(entry.descriptor.digest));
  // Names go before the content that they name: a kill in between leaves no dangling name.
  if (rest.length < entries.length) await writeEntries(paths, rest);

  let removed = 0;
  let bytes = 0;
  const removeOld = async (file: string, limit: number): Promise<void> => {
    try {
      const facts = await stat(file);
      if (facts.mtimeMs >= limit) return;
      await rm(file);
      removed += 1;
      bytes += facts.size;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  };
  for (const name of await readdir(paths.blobs)) {
    const digest = `sha256:${name}`;
    if (isDigest(digest) && !kept.has(digest)) await removeOld(blobPath(paths, digest), cutoff);
  }
  for (const name of await readdir(paths.temporary)) {
    const owner = stateOfName(name);
    if (owner === 'alive') continue;
    await removeOld(join(paths.temporary, name), owner === 'gone' ? Number.POSITIVE_INFINITY : cutoff);
  }
  for (const name of await readdir(paths.corrupt)) await removeOld(join(paths.corrupt, name), cutoff);
  for (const name of await readdir(paths.locks)) {
    if (name.startsWith('break-')) await rm(join(paths.locks, name), { force: true });
  }
  await pruneDiffIds(paths);
  return { removed, bytes };
}

/** Everything below the roots, and what refers to something kept, until nothing is added. */
async function reachable(
  paths: StorePaths,
  entries: readonly Entry[],
  cutoff: number,
  now: number,
): Promise<ReadonlySet<Digest>> {
  const kept = new Set<Digest>();
  const subjects = new Map<Digest, Digest>();
  const types = new Map(entries.map((entry) => [entry.descriptor.digest, entry]));

  const keep = async (entry: Entry): Promise<void> => {
    const { digest } = entry.descriptor;
    if (kept.has(digest)) return;
    kept.add(digest);
    const content = await contentOf(paths, entry);
    for (const child of content?.children ?? []) {
      const below = types.get(child);
      if (below) await keep(below);
      else kept.add(child);
    }
  };

  for (const entry of entries) {
    const isRoot = entry.foreign || (entry.tag !== undefined && !isWorkTag(entry.tag));
    const limit = entry.tag === undefined ? cutoff : Math.min(cutoff, now - workAge);
    if (isRoot || (await changedSince(blobPath(paths, entry.descriptor.digest), limit))) await keep(entry);
    const subject = entry.subject ?? (await contentOf(paths, entry))?.subject;
    if (subject) subjects.set(entry.descriptor.digest, subject);
  }
  for (let before = -1; before !== kept.size;) {
    before = kept.size;
    for (const [digest, subject] of subjects) {
      const entry = types.get(digest);
      if (entry && kept.has(subject)) await keep(entry);
    }
  }
  return kept;
}

async function contentOf(
  paths: StorePaths,
  entry: Entry,
): Promise<{ readonly children: readonly Digest[]; readonly subject: Digest | undefined } | undefined> {
  try {
    const bytes = await readChecked(paths, entry.descriptor.digest);
    if (!bytes) return undefined;
    const content = { descriptor: bareDescriptor(entry), bytes };
    return {
      children: childrenOf(content).map(({ digest }) => digest),
      subject: referrerOf(content)?.subject.digest,
    };
  } catch {
    // Corrupt, or a type that we do not know: nothing can be said about what is below.
    return undefined;
  }
}

async function changedSince(file: string, moment: number): Promise<boolean> {
  try {
    return (await stat(file)).mtimeMs >= moment;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Notes about layers that are no longer there. */
async function pruneDiffIds(paths: StorePaths): Promise<void> {
  for (const name of await readdir(paths.diffIds)) {
    const file = join(paths.diffIds, name);
    try {
      const layer = parseDescriptor(parseStrictJson(await readFile(file), { where: file }), file);
      await stat(blobPath(paths, layer.digest));
    } catch {
      await rm(file, { force: true });
    }
  }
}
