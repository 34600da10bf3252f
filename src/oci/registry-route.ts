import { AmlpromoteError } from '../domain/errors.ts';
import type { Importer } from '../ports/importer.ts';
import type { Registry } from '../ports/content.ts';
import { copyContent } from './copy.ts';

/**
 * Route `registry`: our own copy engine between the two registries, from a transfer host that has access to both. Every byte
 * passes through this machine and is hashed on the way.
 */
export function createRegistryRoute(source: Registry, target: Registry): Importer {
  return {
    route: 'registry',
    carry: async ({ sourceRepository, targetRepository, content, progress, signal }) => {
      const from = source.repository(sourceRepository);
      const root = await from.resolve(content.digest);
      if (!root) {
        throw new AmlpromoteError(
          'LISTED_CONTENT_MISSING',
          `${source.host}/${sourceRepository} does not have ${content.digest}`,
          {
            nextSteps: ['It was deleted outside after the release was made: sign and release again.'],
          },
        );
      }
      await copyContent({
        from,
        to: target.repository(targetRepository),
        root,
        onBytes: (digest, done, total) => progress({ type: 'bytes', step: 'import', digest, done, total }),
        onEffect: (effect, subject) => progress({ type: 'effect', step: 'import', effect, subject }),
        ...(signal ? { signal } : {}),
      });
    },
  };
}
