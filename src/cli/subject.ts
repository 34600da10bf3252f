import { AmlpromoteError } from '../domain/errors.ts';
import { looksLikeReference, parseReference } from '../domain/reference.ts';
import type { Outside, OutsideImage } from '../sides/outside.ts';
import type { Context } from './wiring.ts';

/** An argument IMAGE.yaml | REF, as an image of the non-sensitive side. @throws MANIFEST_INVALID, NOT_FOUND, USAGE */
export async function subjectOf(context: Context, outside: Outside, argument: string): Promise<OutsideImage> {
  if (!looksLikeReference(argument)) {
    const { loadImage } = await import('../manifest/image.ts');
    return await outside.find(await loadImage(argument));
  }
  const { host } = context.zones.zones.nonsensitive.registry;
  if (parseReference(argument).host !== host) {
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
  return await outside.resolve(argument);
}
