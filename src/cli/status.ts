import { AmlpromoteError } from '../domain/errors.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import { releaseCounterOf } from '../domain/names.ts';
import { listedReceipts } from '../evidence/receipts.ts';
import { admittedWorkspaces } from '../policy/zones.ts';
import type { Repository } from '../ports/content.ts';
import { readReleaseTag } from '../steps/release/counter.ts';
import { experimentOf } from '../steps/run/names.ts';
import { openOutside } from './open.ts';
import type { StatusOutput } from './outputs.ts';
import { readReleaseFile } from './release-file.ts';
import { registryOf, workspaceOf } from './wiring.ts';
import type { Context } from './wiring.ts';

interface Subject {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  /** The image that the manifest names now, if it was built. */
  readonly built?: Descriptor;
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
  const subject = await subjectOf(context, argument);
  const { name, version, repository } = subject;
  return {
    name,
    version,
    repository,
    outside: zones.nonsensitive.access ? await outsideOf(context, subject) : 'not visible from here',
    inside: zones.sensitive.access ? await insideOf(context, subject, only) : 'not visible from here',
  };
}

async function subjectOf(context: Context, argument: string): Promise<Subject> {
  if (argument.endsWith('.json')) {
    const { name, version, repository } = await readReleaseFile(argument);
    return { name, version, repository };
  }
  const { loadImage, resolveVersion } = await import('../manifest/image.ts');
  const spec = await loadImage(argument);
  const built = context.zones.zones.nonsensitive.access ? await builtOf(context, spec) : undefined;
  const version = built ? resolveVersion(spec, built.digest) : spec.version;
  return { name: spec.name, version, repository: spec.repository, ...(built ? { built } : {}) };
}

async function builtOf(
  context: Context,
  spec: Parameters<Awaited<ReturnType<typeof openOutside>>['find']>[0],
): Promise<Descriptor | undefined> {
  const outside = await openOutside(context);
  try {
    return (await outside.find(spec)).image;
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function outsideOf(context: Context, { repository, built }: Subject): Promise<Outside> {
  const target = (await registryOf(context, 'nonsensitive')).repository(repository);
  const published = built && (await target.resolve(built.digest));
  return {
    ...(built ? { built: built.digest } : {}),
    ...(published ? { published: published.digest } : {}),
    releases: await releasesOf(target),
  };
}

const shownReleases = 5;

/** The newest releases, the highest counter first. */
async function releasesOf(repository: Repository): Promise<Outside['releases']> {
  const counters = (await repository.tags())
    .flatMap((tag) => releaseCounterOf(tag) ?? [])
    .sort((a, b) => b - a);
  const releases: Outside['releases'] = [];
  for (const counter of counters.slice(0, shownReleases)) {
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
    const [newest] = await ports.jobs.list(experimentOf(name));
    if (newest) lastJob ??= { name: newest.name, status: newest.status };
  }
  return {
    ...(delivered ? { delivered: { digest: delivered.digest, tag: version } } : {}),
    releases: await releasesOf(final),
    receipts: (await listedReceipts(final)).length,
    environments,
    ...(lastJob ? { lastJob } : {}),
  };
}
