import type { Descriptor } from '../../domain/descriptor.ts';
import { annotations, isImageManifestType } from '../../domain/media-types.ts';
import { tags } from '../../domain/names.ts';
import { isInconclusive, isRefusal } from '../../domain/errors.ts';
import { parseManifest } from '../../oci/manifest.ts';
import type { Registry, Repository } from '../../ports/content.ts';
import type { Seal } from '../../ports/seal.ts';
import { readBuildFacts } from './facts.ts';

export interface Found {
  readonly image: Descriptor;
  readonly location: 'store' | 'registry';
}

export interface FindPorts {
  readonly store: Registry;
  readonly seal: Seal;
  /** The non-sensitive registry. */
  readonly published?: Registry | undefined;
  /**
   * Whether an image that the registry has under the build tag may be taken for ours: whoever may push there could have
   * put it. Without it the build key annotation alone decides.
   */
  readonly vouch?: ((repository: string, image: Descriptor) => Promise<boolean>) | undefined;
}

/** What was built for this key before: by this machine into the store, else what the registry has and is vouched for. */
export async function findByKey(
  repository: string,
  key: string,
  ports: FindPorts,
  onNote: (message: string) => void,
): Promise<Found | undefined> {
  const local = await withKey(ports.store.repository(repository), key);
  if (local && (await wasBuiltHere(repository, key, local, ports)))
    return { image: local, location: 'store' };
  if (local)
    onNote(
      `${repository}@${local.digest} in the store was not built on this machine, or its record was changed: it does not count`,
    );
  if (!ports.published) return undefined;
  try {
    const image = await withKey(ports.published.repository(repository), key);
    if (!image || (ports.vouch && !(await ports.vouch(repository, image)))) return undefined;
    return { image, location: 'registry' };
  } catch (error) {
    // The registry only saves work here: whether it can be reached is for publish to say, and junk in it stops nobody.
    if (!isInconclusive(error) && !isRefusal(error)) throw error;
    onNote(`no earlier build taken from ${ports.published.host}: ${error.message}`);
    return undefined;
  }
}

/** Whoever can write the store could have put an image under the build tag: only this machine's own facts say that it is ours. */
async function wasBuiltHere(
  repository: string,
  key: string,
  image: Descriptor,
  { store, seal }: FindPorts,
): Promise<boolean> {
  const facts = await readBuildFacts(store, repository, image.digest, seal);
  return facts?.kind === 'engine' && facts.buildKey === key;
}

/** The tag has 12 digits of the key only; the annotation has all of them. A manifest that is listed incomplete is none. */
async function withKey(reader: Repository, key: string): Promise<Descriptor | undefined> {
  const content = await reader.manifest(tags.build(key.slice(0, 12)));
  if (!content || !isImageManifestType(content.descriptor.mediaType)) return undefined;
  if (parseManifest(content).annotations?.[annotations.buildKey] !== key) return undefined;
  const found = await reader.resolve(content.descriptor.digest);
  return found && content.descriptor;
}
