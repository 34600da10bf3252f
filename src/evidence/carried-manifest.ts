import * as z from 'zod';
import type { Descriptor } from '../domain/descriptor.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import { mediaTypes } from '../domain/media-types.ts';
import { isEnvironmentName, isImageRepository, isVersion } from '../domain/names.ts';
import { sha256 } from '../domain/sha256.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { parseStrictJson } from '../json/strict.ts';
import { encodeManifest, parseManifest } from '../oci/manifest.ts';
import { readBlob } from '../oci/verified.ts';
import type { ContentReader } from '../ports/content.ts';
import type { EvidenceArtifact } from './artifact.ts';

/** Smoke inputs travel with the release, so they stay small: 1 MiB each, and few. */
export const maxSmokeInputBytes = 1024 * 1024;
const maxSmokeInputs = 64;

const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
const uriType = z.enum(['uri_file', 'uri_folder']);

const inputSchema = z.union([
  /** `layer`: position among the artifact's input layers. */
  z.strictObject({
    type: z.literal('uri_file'),
    file: fileName,
    layer: z
      .int()
      .min(0)
      .max(maxSmokeInputs - 1),
  }),
  z.strictObject({
    type: uriType,
    job: z.string().refine(isEnvironmentName),
    output: z.string().regex(/^[A-Za-z_]\w{0,63}$/),
  }),
  z.strictObject({ type: z.literal('literal'), value: z.string().max(4096) }),
]);

const port = z.string().regex(/^[A-Za-z_]\w{0,63}$/);

/** What of the image manifest crosses: what it is, how to describe it, how to smoke it. Not how it was built: that is provenance. */
export const carriedManifestSchema = z.strictObject({
  apiVersion: z.literal('amlpromote/v1'),
  kind: z.literal('CarriedManifest'),
  name: z.string().refine(isEnvironmentName),
  version: z.string().refine(isVersion),
  repository: z.string().refine(isImageRepository),
  environment: z.strictObject({
    description: z.string().max(4096).optional(),
    tags: z.record(z.string().max(256), z.string().max(256)),
    uses: z.array(z.string().max(64)).max(16),
  }),
  smoke: z
    .strictObject({
      command: z.string().min(1).max(16_384),
      inputs: z.record(port, inputSchema),
      outputs: z.record(port, z.strictObject({ type: uriType })),
      timeoutSeconds: z.int().min(1).max(604_800),
    })
    .optional(),
});

export type CarriedManifest = z.infer<typeof carriedManifestSchema>;
export type CarriedInput = z.infer<typeof inputSchema>;

/**
 * An artifact that refers to the image: one JSON layer, then one layer per packed smoke input.
 * @param inputs bytes in the order of the `layer` numbers.
 */
export function encodeCarriedManifest(
  manifest: CarriedManifest,
  inputs: readonly Uint8Array[],
  image: Descriptor,
): EvidenceArtifact {
  const json = canonicalBytes(manifest);
  const empty = Buffer.from('{}');
  const layers = [
    blobOf(mediaTypes.imageManifestArtifact, json),
    ...inputs.map((bytes) => blobOf(mediaTypes.smokeInput, bytes)),
  ];
  const config = blobOf(mediaTypes.ociEmpty, empty);
  return {
    manifest: encodeManifest({
      mediaType: mediaTypes.ociManifest,
      artifactType: mediaTypes.imageManifestArtifact,
      config: config.descriptor,
      layers: layers.map((layer) => layer.descriptor),
      subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
    }),
    blobs: [config, ...layers],
  };
}

const blobOf = (mediaType: string, bytes: Uint8Array): EvidenceArtifact['blobs'][number] => ({
  descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength },
  bytes,
});

/**
 * Reads it back, with every byte checked by digest. Trust comes from the signed release index that lists `descriptor`.
 * @throws CONTENT_INVALID, LISTED_CONTENT_MISSING, and what the reader throws
 */
export async function readCarriedManifest(
  reader: ContentReader,
  descriptor: Descriptor,
): Promise<{ manifest: CarriedManifest; subject: Descriptor | undefined; inputs: readonly Uint8Array[] }> {
  const where = `image manifest artifact ${descriptor.digest}`;
  const content = await reader.manifest(descriptor.digest);
  if (!content) throw new AmlpromoteError('LISTED_CONTENT_MISSING', `${where} is not there`);
  const artifact = parseManifest(content);
  const [first, ...rest] = artifact.layers;
  if (
    artifact.artifactType !== mediaTypes.imageManifestArtifact ||
    first?.mediaType !== mediaTypes.imageManifestArtifact
  ) {
    throw new AmlpromoteError('CONTENT_INVALID', `${where} is of another type`);
  }
  if (rest.length > maxSmokeInputs)
    throw new AmlpromoteError('CONTENT_INVALID', `${where} packs more than ${maxSmokeInputs} smoke inputs`);
  const json = await readBlob(reader, first, 256 * 1024);
  const parsed = carriedManifestSchema.safeParse(parseStrictJson(json, { where, maxDepth: 16 }));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new AmlpromoteError('CONTENT_INVALID', `${where}: ${problems.join('; ')}`);
  }
  const inputs = await Promise.all(rest.map((layer) => readBlob(reader, layer, maxSmokeInputBytes)));
  for (const input of Object.values(parsed.data.smoke?.inputs ?? {})) {
    if ('layer' in input && !inputs[input.layer])
      throw new AmlpromoteError('CONTENT_INVALID', `${where}: smoke input ${input.file} has no content`);
  }
  return { manifest: parsed.data, subject: artifact.subject, inputs };
}
