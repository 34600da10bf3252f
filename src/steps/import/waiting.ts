import type { ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isRefusal } from '../../domain/errors.ts';
import { isIndexType } from '../../domain/media-types.ts';
import { quarantineOf } from '../../domain/names.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import { parseIndex, parseManifest } from '../../oci/manifest.ts';
import type { Registry, Repository } from '../../ports/content.ts';
import type { Inventory } from '../../ports/importer.ts';

/** Something that waits in quarantine, or was left there. */
export interface Waiting {
  readonly digest: Digest;
  /** RFC 3339, where the registry tells. */
  readonly since?: string;
  /** Where it says that it is a release; nothing of it is checked. */
  readonly release?: { readonly counter: number; readonly version: string };
}

/** What is beyond is told by digest only. */
const maxRead = 500;
const concurrent = 8;

/**
 * What is in quarantine and not in the final repository, the newest first: an entry for each manifest that nothing else there
 * lists and that signs nothing else there, so a whole release is one entry.
 * @throws FORBIDDEN, NETWORK_DENIED … where the registry does not tell
 */
export async function waitingIn(
  registry: Registry,
  repository: string,
  inventory: Inventory,
): Promise<readonly Waiting[]> {
  const place = registry.repository(quarantineOf(repository));
  const [stored, final] = await Promise.all([inventory.list(place.name), inventory.list(repository)]);
  const admitted = new Set(final.map(({ digest }) => digest));
  const waiting = stored
    .filter(({ digest }) => !admitted.has(digest))
    .sort((a, b) => ((a.arrivedAt ?? '') < (b.arrivedAt ?? '') ? 1 : -1));
  const read = new Map<Digest, Read>();
  for (let start = 0; start < Math.min(waiting.length, maxRead); start += concurrent) {
    const batch = waiting.slice(start, start + concurrent);
    const found = await Promise.all(batch.map(async ({ digest }) => await look(place, digest)));
    batch.forEach(({ digest }, at) => read.set(digest, found[at] ?? nothing));
  }
  const listed = new Set([...read.values()].flatMap(({ children }) => children));
  return waiting
    .filter(({ digest }) => {
      const subject = read.get(digest)?.subject;
      return !listed.has(digest) && (subject === undefined || !read.has(subject));
    })
    .map(({ digest, arrivedAt }) => {
      const release = read.get(digest)?.release;
      return {
        digest,
        ...(arrivedAt === undefined ? {} : { since: arrivedAt }),
        ...(release ? { release } : {}),
      };
    });
}

interface Read {
  readonly children: readonly Digest[];
  readonly subject?: Digest;
  readonly release?: { readonly counter: number; readonly version: string };
}

const nothing: Read = { children: [] };

async function look(place: Repository, digest: Digest): Promise<Read> {
  try {
    const content = await place.manifest(digest);
    if (!content) return nothing;
    if (!isIndexType(content.descriptor.mediaType)) {
      const { subject } = parseManifest(content);
      return subject ? { children: [], subject: subject.digest } : nothing;
    }
    const children = parseIndex(content).manifests.map((child) => child.digest);
    return { children, ...releaseOf(content) };
  } catch (error) {
    // Anything may lie there.
    if (isRefusal(error)) return nothing;
    throw error;
  }
}

function releaseOf(content: ManifestContent): Pick<Read, 'release'> {
  try {
    const { release, version } = parseReleaseIndex(content);
    return { release: { counter: release, version } };
  } catch (error) {
    if (isRefusal(error)) return {};
    throw error;
  }
}
