import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../../domain/errors.ts';
import type { ReleaseDocument } from '../../domain/release.ts';
import { parseReleaseIndex } from '../../evidence/release-index.ts';
import type { Repository } from '../../ports/content.ts';

/**
 * Work on what waits in quarantine. What was refused stays there, and what is damaged stays damaged, for what is there is not
 * carried again: so the error tells what is there, and how to get rid of it.
 * @throws what `work` throws
 */
export async function tellingLeftovers<T>(
  quarantine: Repository,
  document: ReleaseDocument,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const left = await describeLeft(quarantine, document);
    if (left === undefined) throw error;
    const remove =
      error.code === 'INTEGRITY_MISMATCH'
        ? [
            'See each rule with `amlpromote verify`, and check that release.json is the one that was released.',
            `If content of ${quarantine.name} is damaged: remove it with \`amlpromote import --discard RELEASE\` (nothing there is in use), then import again; it is carried anew.`,
            'If it comes out the same, it is wrong outside already: release again.',
          ]
        : [
            ...error.nextSteps,
            'Remove what was left with `amlpromote import --discard RELEASE` (RELEASE is this release.json), unless it is to be imported again.',
          ];
    throw new AmlpromoteError(
      error.code,
      `${error.message}; left in ${quarantine.name}, where nothing uses it: ${left}`,
      { nextSteps: remove, cause: error },
    );
  }
}

/** What of a release is in quarantine, in words; undefined when nothing is. */
async function describeLeft(quarantine: Repository, document: ReleaseDocument): Promise<string | undefined> {
  try {
    const index = await quarantine.resolve(document.index.digest);
    const signatures = await countThere(quarantine, document.signatures);
    const listed = index ? await countListed(quarantine, document) : 0;
    const parts = [
      ...(index ? [`the index ${document.index.digest}`] : []),
      ...(signatures > 0 ? [`${signatures} of what release.json calls its signatures`] : []),
      ...(listed > 0 ? [`${listed} of the manifests that the index lists`] : []),
    ];
    return parts.length > 0 ? parts.join(', ') : undefined;
  } catch (error) {
    if (error instanceof AmlpromoteError) return 'perhaps a part of it, which could not be looked for';
    throw error;
  }
}

async function countListed(quarantine: Repository, document: ReleaseDocument): Promise<number> {
  try {
    const content = await quarantine.manifest(document.index.digest);
    if (!content) return 0;
    const { image, evidence } = parseReleaseIndex(content);
    const listed = [image, ...evidence.map(({ descriptor }) => descriptor)];
    return await countThere(
      quarantine,
      listed.map(({ digest }) => digest),
    );
  } catch (error) {
    // A damaged index does not say what it lists.
    if (isRefusal(error)) return 0;
    throw error;
  }
}

async function countThere(quarantine: Repository, digests: readonly Digest[]): Promise<number> {
  const found = await Promise.all(digests.map(async (digest) => await quarantine.resolve(digest)));
  return found.filter((one) => one !== undefined).length;
}
