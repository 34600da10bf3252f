import type { ManifestContent } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { isIndexType, mediaTypes } from '../../src/domain/media-types.ts';
import { childrenOf, parseManifest } from '../../src/oci/manifest.ts';
import type { Registry } from '../../src/ports/content.ts';
import type { Importer, ImportRequest } from '../../src/ports/importer.ts';
import type { MemoryRegistry } from './memory-registry.ts';

export interface MemoryImporter extends Importer {
  /** Digests that were asked for, in order. */
  readonly requests: Digest[];
  /** The next request ends with this error; `done`: after the work was done, as when an answer is lost. */
  fail(error: Error, when?: 'before' | 'done'): void;
}

export interface MemoryImporterOptions {
  /** Children of an index that are no images stay behind; or all children. */
  readonly dropChildren?: boolean | 'all';
  /** A service that takes no manifest before the one that it refers to. */
  readonly subjectFirst?: boolean;
}

/** As ACR import: server-side, by digest, an index with its children, never the referrers; locks are no obstacle. */
export function memoryImporter(
  source: Registry,
  target: MemoryRegistry,
  { dropChildren = false, subjectFirst = false }: MemoryImporterOptions = {},
): MemoryImporter {
  const requests: Digest[] = [];
  let fault: { readonly error: Error; readonly when: 'before' | 'done' } | undefined;
  const faultAt = (when: 'before' | 'done'): void => {
    if (fault?.when !== when) return;
    const { error } = fault;
    fault = undefined;
    throw error;
  };
  const copy = async (request: ImportRequest, content: ManifestContent, isRoot: boolean): Promise<void> => {
    const from = source.repository(request.sourceRepository);
    const isIndex = isIndexType(content.descriptor.mediaType);
    if (!isRoot && (dropChildren === 'all' || (dropChildren && !isIndex && !isImage(content)))) return;
    for (const child of childrenOf(content)) {
      if (isIndex) await copy(request, await read(request, child.digest), false);
      else await target.repository(request.targetRepository).pushBlob(child, async () => from.blob(child));
    }
    target.putManifest(request.targetRepository, content);
  };
  const read = async (request: ImportRequest, digest: Digest): Promise<ManifestContent> => {
    const content = await source.repository(request.sourceRepository).manifest(digest);
    if (content) return content;
    throw new AmlpromoteError('LISTED_CONTENT_MISSING', `the source does not have ${digest}`, {
      nextSteps: ['Release again.'],
    });
  };
  return {
    route: 'acr-import',
    requests,
    fail: (error, when = 'before') => (fault = { error, when }),
    carry: async (request) => {
      requests.push(request.content.digest);
      faultAt('before');
      const content = await read(request, request.content.digest);
      const subject = isIndexType(content.descriptor.mediaType) ? undefined : parseManifest(content).subject;
      const lacks = subject && !(await target.repository(request.targetRepository).resolve(subject.digest));
      if (subjectFirst && lacks) return 'needs-subject' as const;
      await copy(request, content, true);
      faultAt('done');
      return undefined;
    },
  };
}

const isImage = (content: ManifestContent): boolean =>
  parseManifest(content).config.mediaType === mediaTypes.ociConfig;
