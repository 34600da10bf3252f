import type { Descriptor, ImageManifest, ManifestContent } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import { shortHex } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { annotations, mediaTypes } from '../domain/media-types.ts';
import { tags } from '../domain/names.ts';
import type { ScanReport } from '../domain/scan.ts';
import { sha256 } from '../domain/sha256.ts';
import { pushArtifact } from '../evidence/artifact.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { parseStrictJson } from '../json/strict.ts';
import { encodeManifest, parseManifest } from '../oci/manifest.ts';
import { readBlob } from '../oci/verified.ts';
import type { ContentReader, Registry } from '../ports/content.ts';
import type { ScanOutcome } from '../ports/scanner.ts';
import type { Seal } from '../ports/seal.ts';

/** Reports and SBOMs of images with tens of thousands of packages stay well below. */
const maxPartBytes = 256 * 1024 * 1024;

export interface ScanResult {
  readonly report: ScanReport;
  readonly reportDescriptor: Descriptor;
  /** CycloneDX 1.6 JSON. */
  readonly sbom: Uint8Array;
  readonly sbomDescriptor: Descriptor;
}

/**
 * What `scan` found out about an image, from the local store. It is nobody's word but this machine's: others believe only
 * the signed attestations that `sign` makes of it.
 * @returns undefined when the image was not scanned, or not by this machine: whoever can write the store could
 * have written it
 * @throws CONTENT_INVALID when what is stored is not a scan result of this image
 */
export async function readScanResult(
  store: Registry,
  repository: string,
  image: Digest,
  seal: Seal,
): Promise<ScanResult | undefined> {
  return readScanResultOf(store, repository, image, { seal });
}

/** Whether any result is there, by whomever. */
export const hasScanResult = async (store: Registry, repository: string, image: Digest): Promise<boolean> =>
  (await store.repository(repository).manifest(tags.scan(shortHex(image)))) !== undefined;

/** The same, but only if the result was made with `cacheKey`. */
export async function readScanResultOf(
  store: Registry,
  repository: string,
  image: Digest,
  { seal, cacheKey }: { readonly seal: Seal; readonly cacheKey?: string },
): Promise<ScanResult | undefined> {
  const content = store.repository(repository);
  const found = await content.manifest(tags.scan(shortHex(image)));
  if (!found) return undefined;
  const manifest = parseManifest(found);
  if (manifest.artifactType !== mediaTypes.scanResult || manifest.subject?.digest !== image) return undefined;
  if (cacheKey !== undefined && manifest.annotations?.[annotations.scanKey] !== cacheKey) return undefined;
  if (
    !seal.isSealed('scan-result', sealedParts(repository, manifest), manifest.annotations?.[annotations.seal])
  )
    return undefined;
  const partOf = (mediaType: string): Descriptor => {
    const part = manifest.layers.find((layer) => layer.mediaType === mediaType);
    if (part) return part;
    throw new AmlpromoteError('CONTENT_INVALID', `scan result ${found.descriptor.digest}: no ${mediaType}`, {
      nextSteps: ['Run amlpromote scan again.'],
    });
  };
  const reportDescriptor = partOf(mediaTypes.scanReport);
  const sbomDescriptor = partOf(mediaTypes.cyclonedx);
  return {
    report: await readReport(content, reportDescriptor, image),
    reportDescriptor,
    sbom: await readBlob(content, sbomDescriptor, maxPartBytes),
    sbomDescriptor,
  };
}

/** Everything but the seal itself. */
const sealedParts = (
  repository: string,
  {
    subject,
    layers,
    annotations: notes,
  }: Pick<ImageManifest, 'layers'> & Partial<Pick<ImageManifest, 'subject' | 'annotations'>>,
): readonly string[] => [
  repository,
  subject?.digest ?? '',
  notes?.[annotations.scanKey] ?? '',
  ...layers.flatMap(({ mediaType, digest }) => [mediaType, digest]),
];

export interface NewScanResult {
  readonly repository: string;
  readonly image: Descriptor;
  readonly outcome: ScanOutcome;
  readonly cacheKey: string;
  readonly seal: Seal;
}

/** Puts a result under the image's scan tag, in place of an older one. */
export async function writeScanResult(
  store: Registry,
  { repository, image, outcome, cacheKey, seal }: NewScanResult,
): Promise<ScanResult> {
  const { report, sbom } = outcome;
  const blobs = {
    config: blobOf(mediaTypes.ociEmpty, canonicalBytes({})),
    sbom: blobOf(mediaTypes.cyclonedx, sbom),
    report: blobOf(mediaTypes.scanReport, canonicalBytes(report)),
  };
  const content = {
    layers: [blobs.sbom.descriptor, blobs.report.descriptor],
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
    annotations: { [annotations.scanKey]: cacheKey },
  };
  const manifest: ManifestContent = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    artifactType: mediaTypes.scanResult,
    config: blobs.config.descriptor,
    ...content,
    annotations: {
      ...content.annotations,
      [annotations.seal]: seal.seal('scan-result', sealedParts(repository, content)),
    },
  });
  await pushArtifact(
    store.repository(repository),
    { manifest, blobs: Object.values(blobs) },
    tags.scan(shortHex(image.digest)),
  );
  return { report, reportDescriptor: blobs.report.descriptor, sbom, sbomDescriptor: blobs.sbom.descriptor };
}

async function readReport(
  content: ContentReader,
  descriptor: Descriptor,
  image: Digest,
): Promise<ScanReport> {
  const { scanReportSchema } = await import('../evidence/predicates/scan.ts');
  const { parseWith } = await import('../evidence/predicates/fields.ts');
  const where = `scan report ${descriptor.digest}`;
  const bytes = await readBlob(content, descriptor, maxPartBytes);
  const report: ScanReport = parseWith(
    scanReportSchema,
    parseStrictJson(bytes, { where, maxBytes: maxPartBytes }),
    where,
  );
  if (report.image === image) return report;
  throw new AmlpromoteError('CONTENT_INVALID', `${where}: it is about ${report.image}`, {
    nextSteps: ['Run amlpromote scan again.'],
  });
}

const blobOf = (
  mediaType: string,
  bytes: Uint8Array,
): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } => ({
  descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength },
  bytes,
});
