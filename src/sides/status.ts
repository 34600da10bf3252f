import { AmlpromoteError } from '../domain/errors.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { releaseCounterOf, tags } from '../domain/names.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { listedReceipts } from '../evidence/receipts.ts';
import { parseReleaseIndex } from '../evidence/release-index.ts';
import type { Zones } from '../manifest/zones.ts';
import { admittedWorkspaces } from '../policy/zones.ts';
import type { Registry, Repository } from '../ports/content.ts';
import type { Waiting } from '../steps/import/waiting.ts';
import { waitingIn } from '../steps/import/waiting.ts';
import type { LastJob } from '../steps/run/last-job.ts';
import { lastSmokeJob } from '../steps/run/last-job.ts';
import type { InsidePorts } from './inside.ts';

/** What is asked about. */
export interface StatusSubject {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  /** The image that the manifest names now, if it was built. */
  readonly built?: Descriptor;
  /** Asked by release.json. */
  readonly release?: ReleaseDocument;
}

/** A release tag by its own word; what it is worth is for verify to say. */
export interface ShownRelease {
  readonly counter: number;
  readonly digest: Digest;
  readonly version: string;
  readonly image: Digest;
}

export interface OutsideStatus {
  readonly built?: Digest;
  readonly published?: Digest;
  /** The highest counter first. */
  readonly releases: readonly ShownRelease[];
}

export interface InsideStatus {
  readonly delivered?: { readonly digest: Digest; readonly tag: string };
  readonly releases: readonly ShownRelease[];
  /** How many are listed; none of them is checked. */
  readonly receipts: number;
  /** Undefined when this identity may not list it. */
  readonly quarantine: readonly Waiting[] | undefined;
  readonly environments: readonly {
    readonly workspace: string;
    readonly id: string;
    readonly image?: string;
  }[];
  readonly lastJob?: LastJob;
}

/** Reads only. */
export async function outsideStatus(
  { repository, built, release }: StatusSubject,
  registry: Registry,
): Promise<OutsideStatus> {
  const target = registry.repository(repository);
  const image = built ?? (release && (await imageOf(target, release)));
  const published = image && (await target.resolve(image.digest));
  return {
    ...(built ? { built: built.digest } : {}),
    ...(published ? { published: published.digest } : {}),
    releases: await releasesOf(target),
  };
}

/** Reads only. @param only name of a workspace; all admitted ones by default */
export async function insideStatus(
  { name, version, repository }: StatusSubject,
  only: string | undefined,
  zones: Zones,
  ports: Pick<InsidePorts, 'registry' | 'inventory' | 'workspace' | 'records'>,
): Promise<InsideStatus> {
  const registry = await ports.registry();
  const final = registry.repository(repository);
  const delivered = version === 'auto' ? undefined : await final.resolve(version);
  const environments: InsideStatus['environments'][number][] = [];
  let lastJob: LastJob | undefined;
  for (const workspace of admittedWorkspaces(zones, repository)) {
    const id = zones.zones.sensitive.workspaces[workspace]?.id;
    if (id === undefined || (only !== undefined && only !== workspace)) continue;
    const { environments: there, jobs } = await ports.workspace(id);
    const found = await there.read(name, version);
    if (found)
      environments.push({
        workspace,
        id: found.id,
        ...(found.image === undefined ? {} : { image: found.image }),
      });
    lastJob ??= await lastSmokeJob({ jobs, records: await ports.records() }, { workspace: id, name });
  }
  return {
    ...(delivered ? { delivered: { digest: delivered.digest, tag: version } } : {}),
    releases: await releasesOf(final),
    receipts: (await listedReceipts(final)).length,
    quarantine: await quarantineOf(registry, repository, ports),
    environments,
    ...(lastJob ? { lastJob } : {}),
  };
}

/** Not every identity may list manifests, and not every registry tells when they came: that is said, and the rest is told. */
async function quarantineOf(
  registry: Registry,
  repository: string,
  { inventory }: Pick<InsidePorts, 'inventory'>,
): Promise<InsideStatus['quarantine']> {
  try {
    return await waitingIn(registry, repository, await inventory());
  } catch (error) {
    if (error instanceof AmlpromoteError && (error.code === 'FORBIDDEN' || error.code === 'UNAUTHENTICATED'))
      return undefined;
    throw error;
  }
}

/** The image that a release.json stands for, if that is what the registry has under its counter. */
async function imageOf(target: Repository, document: ReleaseDocument): Promise<Descriptor | undefined> {
  const there = await readReleaseTag(target, document.release);
  return there?.index.digest === document.index.digest ? there.image : undefined;
}

/** What a release tag says it is; undefined when it is free, or names something else (anybody who may push can set one). */
async function readReleaseTag(repository: Repository, counter: number): Promise<Release | undefined> {
  try {
    const content = await repository.manifest(tags.release(counter));
    const release = content && parseReleaseIndex(content);
    return release?.release === counter && release.repository === repository.name ? release : undefined;
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return undefined;
    throw error;
  }
}

const shownReleases = 5;
/** So many tags that name no release are passed by. */
const maxRead = 200;

/** The newest releases by their own word, the highest counter first; what they are worth is for verify to say. */
async function releasesOf(repository: Repository): Promise<readonly ShownRelease[]> {
  const counters = (await repository.tags())
    .flatMap((tag) => releaseCounterOf(tag) ?? [])
    .sort((a, b) => b - a);
  const releases: ShownRelease[] = [];
  for (const counter of counters.slice(0, maxRead)) {
    if (releases.length >= shownReleases) break;
    const release = await readReleaseTag(repository, counter);
    if (!release) continue;
    releases.push({
      counter,
      digest: release.index.digest,
      version: release.version,
      image: release.image.digest,
    });
  }
  return releases;
}
