import { AmlpromoteError, isInconclusive } from '../domain/errors.ts';
import type { ImageSpec } from '../manifest/image.ts';
import { requireKnownWorkspace } from '../policy/workspace-choice.ts';
import type { StatusSubject } from '../sides/status.ts';
import { openOutside, viewInside, viewOutside } from './open.ts';
import type { StatusOutput } from './outputs.ts';
import { isReleaseFile, readReleaseFile } from './release-file.ts';
import type { Context } from './wiring.ts';

interface Subject extends StatusSubject {
  /** Why nobody can tell whether it was built. */
  readonly notLookedUp?: string;
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

async function outsideOf(context: Context, { notLookedUp, ...subject }: Subject): Promise<Outside> {
  const outside = await viewOutside(context);
  const { built, published, releases } = await outside.status(subject);
  return {
    ...(built ? { built } : {}),
    ...(notLookedUp === undefined ? {} : { notLookedUp }),
    ...(published ? { published } : {}),
    releases: [...releases],
  };
}

async function insideOf(context: Context, subject: Subject, only: string | undefined): Promise<Inside> {
  const inside = await viewInside(context);
  const { releases, quarantine, environments, ...rest } = await inside.status(subject, only);
  return {
    ...rest,
    releases: [...releases],
    quarantine:
      quarantine?.map(({ release, ...waiting }) => ({
        ...waiting,
        ...(release ? { release: { ...release } } : {}),
      })) ?? notVisible,
    environments: [...environments],
  };
}
