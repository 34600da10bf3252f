import { AmlpromoteError, isInconclusive } from '../domain/errors.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import { releaseCounterOf, tags } from '../domain/names.ts';
import type { Release, ReleaseDocument } from '../domain/release.ts';
import { listedReceipts } from '../evidence/receipts.ts';
import { requireKnownWorkspace } from '../inside.ts';
import type { ImageSpec } from '../manifest/image.ts';
import { admittedWorkspaces } from '../policy/zones.ts';
import type { Registry, Repository } from '../ports/content.ts';
import { parseReleaseIndex } from '../evidence/release-index.ts';
import { waitingIn } from '../steps/import/waiting.ts';
import { lastSmokeJob } from '../steps/run/last-job.ts';
import { openOutside } from './open.ts';
import type { StatusOutput } from './outputs.ts';
import { isReleaseFile, readReleaseFile } from './release-file.ts';
import { inventoryOf, registryOf, runRecordsOf, workspaceOf } from './wiring.ts';
import type { Context } from './wiring.ts';

interface Subject {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  /** The image that the manifest names now, if it was built. */
  readonly built?: Descriptor;
  /** Why nobody can tell whether it was. */
  readonly notLookedUp?: string;
  /** Asked by release.json. */
  readonly release?: ReleaseDocument;
}

type Outside = Exclude<StatusOutput['outside'], string>;
type Inside = Exclude<StatusOutput['inside'], string>;

/** Reads only. What a side cannot see is said, never guessed. */
export async function statusOf(
  context: Context,
  argument: string,
  only: string | undefined,
): Promise<StatusOutput> {
  const { zones } = context.zones;
  requireKnownWorkspace(context.zones, only);
  const subject = await subjectOf(context, argument);
  const { name, version, repository } = subject;
  return {
    name,
    version,
    repository,
    outside: zones.nonsensitive.access ? await ifVisible(outsideOf(context, subject)) : notVisible,
    inside: zones.sensitive.access ? await ifVisible(insideOf(context, subject, only)) : notVisible,
  };
}

const notVisible = 'not visible from here';

/** A zone whose network lets nobody in from here is as invisible as one without access; everything else that fails is an error. */
async function ifVisible<T>(seen: Promise<T>): Promise<T | typeof notVisible> {
  try {
    return await seen;
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'NETWORK_DENIED') return notVisible;
    throw error;
  }
}

async function subjectOf(context: Context, argument: string): Promise<Subject> {
  if (await isReleaseFile(argument)) {
    const release = await readReleaseFile(argument);
    const { name, version, repository } = release;
    return { name, version, repository, release };
  }
  const { loadImage, resolveVersion } = await import('../manifest/image.ts');
  const spec = await loadImage(argument);
  const found = context.zones.zones.nonsensitive.access ? await builtOf(context, spec) : {};
  const version = found.built ? resolveVersion(spec, found.built.digest) : spec.version;
  return { name: spec.name, version, repository: spec.repository, ...found };
}

/** A question fetches nothing: a base that is not here leaves it open, and the rest is told. */
async function builtOf(context: Context, spec: ImageSpec): Promise<Pick<Subject, 'built' | 'notLookedUp'>> {
  const outside = await openOutside(context);
  try {
    const found = await outside.lookUp(spec);
    return found ? { built: found.image } : {};
  } catch (error) {
    if (isInconclusive(error)) return { notLookedUp: error.message };
    throw error;
  }
}

async function outsideOf(
  context: Context,
  { repository, built, notLookedUp, release }: Subject,
): Promise<Outside> {
  const target = (await registryOf(context, 'nonsensitive')).repository(repository);
  const image = built ?? (release && (await imageOf(target, release)));
  const published = image && (await target.resolve(image.digest));
  return {
    ...(built ? { built: built.digest } : {}),
    ...(notLookedUp === undefined ? {} : { notLookedUp }),
    ...(published ? { published: published.digest } : {}),
    releases: await releasesOf(target),
  };
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
async function releasesOf(repository: Repository): Promise<Outside['releases']> {
  const counters = (await repository.tags())
    .flatMap((tag) => releaseCounterOf(tag) ?? [])
    .sort((a, b) => b - a);
  const releases: Outside['releases'] = [];
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

async function insideOf(context: Context, subject: Subject, only: string | undefined): Promise<Inside> {
  const { name, version, repository } = subject;
  const registry = await registryOf(context, 'sensitive');
  const final = registry.repository(repository);
  const delivered = version === 'auto' ? undefined : await final.resolve(version);
  const environments: Inside['environments'] = [];
  let lastJob: Inside['lastJob'];
  for (const workspace of admittedWorkspaces(context.zones, repository)) {
    const id = context.zones.zones.sensitive.workspaces[workspace]?.id;
    if (id === undefined || (only !== undefined && only !== workspace)) continue;
    const ports = await workspaceOf(context, id);
    const found = await ports.environments.read(name, version);
    if (found)
      environments.push({
        workspace,
        id: found.id,
        ...(found.image === undefined ? {} : { image: found.image }),
      });
    lastJob ??= await lastSmokeJob(
      { ...ports, records: await runRecordsOf(context) },
      { workspace: id, name },
    );
  }
  return {
    ...(delivered ? { delivered: { digest: delivered.digest, tag: version } } : {}),
    releases: await releasesOf(final),
    receipts: (await listedReceipts(final)).length,
    quarantine: await quarantineOf(context, registry, repository),
    environments,
    ...(lastJob ? { lastJob } : {}),
  };
}

/** Not every identity may list manifests, and not every registry tells when they came: that is said, and the rest is told. */
async function quarantineOf(
  context: Context,
  registry: Registry,
  repository: string,
): Promise<Inside['quarantine']> {
  try {
    const waiting = await waitingIn(registry, repository, await inventoryOf(context));
    return waiting.map(({ release, ...rest }) => ({
      ...rest,
      ...(release ? { release: { ...release } } : {}),
    }));
  } catch (error) {
    if (error instanceof AmlpromoteError && (error.code === 'FORBIDDEN' || error.code === 'UNAUTHENTICATED'))
      return notVisible;
    throw error;
  }
}
