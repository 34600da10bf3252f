import { Readable } from 'node:stream';
import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { sha256 } from '../../domain/sha256.ts';
import { maxBundleBytes } from '../../evidence/sigstore-bundle.ts';
import { readBlob } from '../../oci/verified.ts';
import type { ContentReader, ContentWriter } from '../../ports/content.ts';

/** What verification reads: a repository, of a registry or of a layout. `hasBlob` answers for layers, which are not fetched. */
export type VerifiableContent = ContentReader & Pick<ContentWriter, 'hasBlob'>;

/**
 * Reads each manifest and each small blob once and checks its digest, so that all rules judge the same bytes, whatever the
 * registry would answer the second time.
 */
export function readOnce(source: VerifiableContent): VerifiableContent {
  const manifests = new Map<string, Promise<ManifestContent | undefined>>();
  const blobs = new Map<string, Promise<Uint8Array>>();
  return {
    resolve: (reference) => source.resolve(reference),
    hasBlob: (descriptor) => source.hasBlob(descriptor),
    referrers: (subject, artifactType) => source.referrers(subject, artifactType),
    manifest: (reference) => once(manifests, reference, () => readManifest(source, reference)),
    async blob(descriptor: Descriptor) {
      const key = `${descriptor.digest} ${String(descriptor.size)}`;
      const bytes = await once(blobs, key, () => readBlob(source, descriptor, maxBundleBytes));
      return Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
    },
  };
}

/** A failure is not remembered: the next rule may fare better. */
function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const reading = read();
  known.set(key, reading);
  reading.catch(() => known.delete(key));
  return reading;
}

async function readManifest(
  source: ContentReader,
  reference: Digest | string,
): Promise<ManifestContent | undefined> {
  const content = await source.manifest(reference);
  if (!content) return undefined;
  const digest = sha256(content.bytes);
  const wanted = isDigest(reference) ? reference : content.descriptor.digest;
  if (digest !== wanted || content.descriptor.size !== content.bytes.byteLength) {
    throw new AmlpromoteError('INTEGRITY_MISMATCH', `manifest ${wanted}: the source sent ${digest}`);
  }
  return content;
}
