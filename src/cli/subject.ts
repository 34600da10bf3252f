import { AmlpromoteError } from '../domain/errors.ts';
import { formatReference, looksLikeReference, parseReference } from '../domain/reference.ts';
import type { Descriptor } from '../domain/descriptor.ts';
import type { Outside, OutsideImage } from '../sides/outside.ts';
import type { Registry } from '../ports/content.ts';
import { registryOf } from './wiring.ts';
import type { Context } from './wiring.ts';

/** An argument IMAGE.yaml | REF, as an image of the non-sensitive side. @throws MANIFEST_INVALID, NOT_FOUND, USAGE */
export async function subjectOf(context: Context, outside: Outside, argument: string): Promise<OutsideImage> {
  if (!looksLikeReference(argument)) {
    const { loadImage } = await import('../manifest/image.ts');
    return await outside.find(await loadImage(argument));
  }
  const { host } = context.zones.zones.nonsensitive.registry;
  const reference = parseReference(argument);
  if (reference.host !== host) {
    throw new AmlpromoteError(
      'USAGE',
      `${argument} is not in ${host}, the registry of the non-sensitive zone`,
      {
        nextSteps: [
          'Take it over first: an image manifest with `source: { image: …@sha256:… }`, then amlpromote build and publish.',
        ],
      },
    );
  }
  const image = await resolveReference(await registryOf(context, 'nonsensitive'), argument);
  return { repository: reference.repository, image };
}

/** A tag is resolved here, once; from then on only the digest counts. @throws NOT_FOUND, USAGE */
export async function resolveReference(registry: Registry, text: string): Promise<Descriptor> {
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
  return found;
}
