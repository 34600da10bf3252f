import type { ManifestContent } from '../../domain/descriptor.ts';
import { AmlpromoteError, isInconclusive } from '../../domain/errors.ts';
import type { Progress } from '../../domain/events.ts';
import { annotations, mediaTypes } from '../../domain/media-types.ts';
import { claimsOf, tags } from '../../domain/names.ts';
import type { Release } from '../../domain/release.ts';
import { sha256 } from '../../domain/sha256.ts';
import { pushArtifact } from '../../evidence/artifact.ts';
import type { EvidenceArtifact } from '../../evidence/artifact.ts';
import { encodeManifest, parseManifest } from '../../oci/manifest.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Registry, Repository } from '../../ports/content.ts';
import type { Locks } from '../../ports/importer.ts';

export interface ClaimPorts {
  /** The sensitive registry. */
  readonly registry: Registry;
  readonly locks: Locks;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly progress: Progress;
}

/**
 * Takes the counter and the version of a verified release before anything of it is in the final repository. Receipts are for
 * ever, and the highest of them decides what may still be admitted: so of two imports that meet, the loser must be found out
 * before it has written one. The only thing in a registry that one of several writers can win is the lock of a tag: push the tag,
 * lock it, read back. These tags have a repository of their own, for in the final one every tag stands on a receipt. A claim says
 * which index has a counter and which image has a version, so it is the same whoever imports that, and never in the way of it.
 * @throws TAG_CONFLICT when another import was faster
 */
export async function claimNames(release: Release, ports: ClaimPorts): Promise<void> {
  // The counter first: it belongs to one index anyway. Who then loses the version has taken nothing that others need.
  const { repository, index, image, version } = release;
  const counter = tags.release(release.release);
  await claim(counter, artifactOf(repository, counter, index.digest), release, ports);
  await claim(version, artifactOf(repository, version, image.digest), release, ports);
}

async function claim(
  name: string,
  artifact: EvidenceArtifact,
  { repository }: Release,
  ports: ClaimPorts,
): Promise<void> {
  const place = ports.registry.repository(claimsOf(repository));
  const { digest } = artifact.manifest.descriptor;
  const isOurs = async (): Promise<boolean> => (await place.resolve(name))?.digest === digest;
  const already = await isOurs();
  if (!already && !(await put(place, name, artifact, ports))) return;
  const held = (await lock(place, name, ports)) ? await isOurs() : await staysOurs(isOurs, ports.clock);
  if (!held) throw await taken(place, name, repository);
  if (already) return;
  const subject = `${repository}:${name}`;
  ports.progress({ type: 'effect', step: 'import', effect: 'claimed', subject });
}

/**
 * Also over a claim that is not locked: it was left by an import that died, or its owner will find out when it reads back.
 * @returns false when claims cannot be had here: then what is asked before and after the receipt has to do
 * @throws TAG_CONFLICT when it is locked
 */
async function put(
  place: Repository,
  name: string,
  artifact: EvidenceArtifact,
  { progress }: ClaimPorts,
): Promise<boolean> {
  try {
    await pushArtifact(place, artifact, name);
    return true;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const there = await place.resolve(name);
    if (there?.digest === artifact.manifest.descriptor.digest) return true;
    if (there) throw await taken(place, name, artifactRepository(place));
    const message = `${place.name} cannot be written (FORBIDDEN): imports that run at the same time are told apart by their receipts only`;
    progress({ type: 'note', step: 'import', message });
    return false;
  }
}

async function lock({ name: place }: Repository, name: string, { locks }: ClaimPorts): Promise<boolean> {
  try {
    await locks.lockTag(place, name);
    return true;
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

/** Where locks cannot be had: others that began before get the time to overwrite it, and are then looked for twice. */
async function staysOurs(isOurs: () => Promise<boolean>, clock: Pick<Clock, 'sleep'>): Promise<boolean> {
  for (let look = 0; look < 2; look += 1) {
    await clock.sleep(100 + Math.floor(Math.random() * 200));
    if (!(await isOurs())) return false;
  }
  return true;
}

const emptyConfig = Buffer.from('{}');

/** The same bytes from everybody who claims this for that. */
function artifactOf(repository: string, name: string, digest: string): EvidenceArtifact {
  const empty = {
    mediaType: mediaTypes.ociEmpty,
    digest: sha256(emptyConfig),
    size: emptyConfig.byteLength,
  };
  const manifest: ManifestContent = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    artifactType: mediaTypes.claim,
    config: empty,
    layers: [empty],
    annotations: {
      [annotations.repository]: repository,
      [annotations.claimed]: name,
      [annotations.claimedFor]: digest,
    },
  });
  return { manifest, blobs: [{ descriptor: empty, bytes: emptyConfig }] };
}

const artifactRepository = ({ name }: Repository): string => name.slice(claimsOf('').length);

async function taken(place: Repository, name: string, repository: string): Promise<AmlpromoteError> {
  const isCounter = /^release-\d+$/.test(name);
  return new AmlpromoteError(
    'TAG_CONFLICT',
    `${repository}:${name} is being given to ${await ownerOf(place, name)}, by another import: a ${isCounter ? 'counter names one index' : 'version names one image'}, for ever`,
    {
      nextSteps: [
        isCounter
          ? 'Release again outside: other content gets the next counter.'
          : 'A version is never reused: raise `version` in the image manifest, build and release again.',
        `If that other one is never to be admitted, unlock and delete the tag ${place.name}:${name}.`,
      ],
    },
  );
}

/** For the message only: anybody who may push could have written it. */
async function ownerOf(place: Repository, name: string): Promise<string> {
  try {
    const content = await place.manifest(name);
    const digest = content && parseManifest(content).annotations?.[annotations.claimedFor];
    return digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : 'something else';
  } catch (error) {
    if (error instanceof AmlpromoteError) return 'something else';
    throw error;
  }
}

const isForbidden = (error: unknown): boolean => isInconclusive(error) && error.code === 'FORBIDDEN';
