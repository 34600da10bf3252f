import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { isImageManifestType } from '../domain/media-types.ts';
import { saysSubjectMissing } from '../domain/subject-missing.ts';
import type { Importer } from '../ports/importer.ts';
import type { Registry, Repository } from '../ports/content.ts';
import { copyContent } from './copy.ts';
import { parseManifest } from './manifest.ts';

/**
 * Route `registry`: our own copy engine between the two registries, from a transfer host that has access to both. Every byte
 * passes through this machine and is hashed on the way.
 */
export function createRegistryRoute(source: Registry, target: Registry): Importer {
  return {
    route: 'registry',
    carry: async ({ sourceRepository, targetRepository, content, maxBytes, progress, signal }) => {
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
      if (maxBytes !== undefined) await requireSmall(from, root, maxBytes);
      const copy = copyContent({
        from,
        to: target.repository(targetRepository),
        root,
        onBytes: (digest, done, total) => progress({ type: 'bytes', step: 'import', digest, done, total }),
        onEffect: (effect, subject) => progress({ type: 'effect', step: 'import', effect, subject }),
        ...(signal ? { signal } : {}),
      });
      return await copy.then(
        () => undefined,
        (error: unknown) => {
          const refusesSubject =
            error instanceof AmlpromoteError &&
            (error.code === 'OPERATION_FAILED' || error.code === 'NOT_FOUND') &&
            saysSubjectMissing(error.message, targetRepository);
          if (refusesSubject) return 'needs-subject' as const;
          throw error;
        },
      );
    },
  };
}

/** @throws CONTENT_INVALID before anything is copied */
async function requireSmall(from: Repository, root: Descriptor, maxBytes: number): Promise<void> {
  const refuse = (why: string): AmlpromoteError =>
    new AmlpromoteError('CONTENT_INVALID', `${from.name}@${root.digest} ${why}: it is not carried`, {
      nextSteps: ['Use release.json exactly as amlpromote release wrote it: a signature is small.'],
    });
  if (!isImageManifestType(root.mediaType)) throw refuse('is an index, not a signature');
  const content = await from.manifest(root.digest);
  if (!content) throw refuse('is gone');
  const { config, layers } = parseManifest(content);
  const bytes = [config, ...layers].reduce((sum, { size }) => sum + size, 0);
  if (bytes > maxBytes) throw refuse(`has ${bytes} bytes of content, more than a signature may have`);
}
