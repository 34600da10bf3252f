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

/** Manifests, configs and evidence of one verification, in bytes: they are held in memory until it ends (threats 17, 18). */
const maxTotalBytes = 256 * 1024 * 1024;

/**
 * Reads each manifest and each small blob of a release once and checks its digest, so that all rules judge the same bytes,
 * whatever the registry would answer the second time.
 * @throws CONTENT_INVALID when all that is read together is larger than `limit`
 */
export function readOnce(source: VerifiableContent, limit = maxTotalBytes): VerifiableContent {
  let total = 0;
  const spend = (bytes: number): void => {
    total += bytes;
    if (total <= limit) return;
    throw new AmlpromoteError(
      'CONTENT_INVALID',
      `manifests and evidence are larger than ${limit / 1024 / 1024} MiB in all`,
    );
  };
  const manifests = new Map<string, Promise<ManifestContent | undefined>>();
  const blobs = new Map<string, Promise<Uint8Array>>();
  return {
    resolve: (reference) => source.resolve(reference),
    hasBlob: (descriptor) => source.hasBlob(descriptor),
    referrers: (subject, artifactType) => source.referrers(subject, artifactType),
    manifest: (reference) =>
      once(manifests, reference, async () => {
        const content = await readManifest(source, reference);
        spend(content?.bytes.byteLength ?? 0);
        return content;
      }),
    async blob(descriptor: Descriptor) {
      const key = `${descriptor.digest} ${String(descriptor.size)}`;
      const bytes = await once(blobs, key, () => {
        spend(descriptor.size);
        return readBlob(source, descriptor, maxBundleBytes);
      });
      return Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
    },
  };
}

/**
 * The same without memory or limit, for what anybody may have attached to an image: junk is read, judged and dropped, and
 * cannot use up what the good evidence needs (threat 13).
 */
export const readChecked = (source: VerifiableContent): VerifiableContent => ({
  resolve: (reference) => source.resolve(reference),
  hasBlob: (descriptor) => source.hasBlob(descriptor),
  referrers: (subject, artifactType) => source.referrers(subject, artifactType),
  blob: (descriptor) => source.blob(descriptor),
  manifest: (reference) => readManifest(source, reference),
});

/** Manifests that a release names from `named`, all that somebody may have attached beside them from `attached`. */
export const namedFrom = (
  named: VerifiableContent,
  attached: VerifiableContent,
  digests: readonly Digest[],
): VerifiableContent => {
  const known = new Set<string>(digests);
  return {
    ...attached,
    manifest: (reference) => (known.has(reference) ? named : attached).manifest(reference),
  };
};

/** A failure is not remembered: the next rule may fare better. */
async function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
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
