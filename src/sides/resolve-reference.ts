import { AmlpromoteError } from '../domain/errors.ts';
import { formatReference, parseReference } from '../domain/reference.ts';
import type { Registry } from '../ports/content.ts';
import type { RepositoryImage } from './verify.ts';

/** A tag is resolved here, once; from then on only the digest counts. @throws NOT_FOUND, USAGE */
export async function resolveReference(registry: Registry, text: string): Promise<RepositoryImage> {
  const reference = parseReference(text);
  const wanted = reference.digest ?? reference.tag;
  if (wanted === undefined) {
    throw new AmlpromoteError('USAGE', `${text} has neither tag nor digest`, {
      nextSteps: ['Say which image is meant: …:TAG or …@sha256:….'],
    });
  }
  const found = await registry.repository(reference.repository).resolve(wanted);
  if (!found) {
    throw new AmlpromoteError('NOT_FOUND', `${formatReference(reference)} is not there`, {
      nextSteps: [
        `Check the repository and its tags; a repository that the identity may not see looks the same.`,
        'Outside, an image gets there by amlpromote publish; inside, by amlpromote import.',
      ],
    });
  }
  if (reference.tag !== undefined && reference.digest !== undefined) {
    const tagged = await registry.repository(reference.repository).resolve(reference.tag);
    if (tagged?.digest !== reference.digest) {
      throw new AmlpromoteError('TAG_CONFLICT', `${text}: the tag names ${tagged?.digest ?? 'nothing'} now`, {
        nextSteps: ['Leave the tag out: the digest says which image is meant.'],
      });
    }
  }
  return { repository: reference.repository, image: found };
}
