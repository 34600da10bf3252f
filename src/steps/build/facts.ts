import { Readable } from 'node:stream';
import type { BuildFacts } from '../../domain/build.ts';
import type { Descriptor } from '../../domain/descriptor.ts';
import { identityOf } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { isDigest, shortHex } from '../../domain/digest.ts';
import { annotations, mediaTypes } from '../../domain/media-types.ts';
import { tags } from '../../domain/names.ts';
import { sha256 } from '../../domain/sha256.ts';
import { canonicalBytes } from '../../json/canonical.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { encodeManifest, parseManifest } from '../../oci/manifest.ts';
import { readBlob } from '../../oci/verified.ts';
import type { Registry, Repository } from '../../ports/content.ts';
import type { Seal } from '../../ports/seal.ts';

/** A Dockerfile's arguments are the bulk of it. */
const maxFactsBytes = 1024 * 1024;
const emptyConfig = Buffer.from('{}');

/** Puts the facts beside the image, where the later steps of this side find them by the image's digest. */
export async function writeBuildFacts(
  repository: Repository,
  image: Descriptor,
  facts: BuildFacts,
  seal: Seal,
): Promise<void> {
  const blob = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: sha256(bytes), size: bytes.byteLength };
    await repository.pushBlob(descriptor, () =>
      Promise.resolve(Readable.from([bytes], { objectMode: false })),
    );
    return descriptor;
  };
  const layer = await blob(mediaTypes.buildFacts, canonicalBytes(facts));
  const manifest = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    artifactType: mediaTypes.buildFacts,
    config: await blob(mediaTypes.ociEmpty, emptyConfig),
    layers: [layer],
    subject: identityOf(image),
    annotations: {
      [annotations.seal]: seal.seal('build-facts', sealedParts(repository.name, image.digest, layer)),
    },
  });
  await repository.pushManifest(manifest, tags.facts(shortHex(image.digest)));
}

const sealedParts = (repository: string, image: Digest, facts: Descriptor): readonly string[] => [
  repository,
  image,
  facts.digest,
];

/** Whether anything is recorded, by whomever. */
export const hasBuildFacts = async (store: Registry, repository: string, image: Digest): Promise<boolean> =>
  (await store.repository(repository).manifest(tags.facts(shortHex(image)))) !== undefined;

/**
 * What was recorded when the image was made; undefined when nothing was, or not by this machine: whoever can write the store
 * could have written it.
 * @throws CONTENT_INVALID when what is there is not ours
 */
export async function readBuildFacts(
  store: Registry,
  repository: string,
  image: Digest,
  seal: Seal,
): Promise<BuildFacts | undefined> {
  const reader = store.repository(repository);
  const content = await reader.manifest(tags.facts(shortHex(image)));
  if (!content) return undefined;
  const { subject, layers, annotations: notes } = parseManifest(content);
  const [layer] = layers;
  // The tag has 12 digits only.
  if (subject?.digest !== image || layer?.mediaType !== mediaTypes.buildFacts) return undefined;
  if (!seal.isSealed('build-facts', sealedParts(repository, image, layer), notes?.[annotations.seal]))
    return undefined;
  const where = `build facts of ${image}`;
  const { z } = await import('zod');
  const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
  const schema = z.strictObject({
    image: digest,
    kind: z.enum(['engine', 'source-image']),
    buildKey: z.string().exactOptional(),
    source: z
      .strictObject({ repository: z.string().exactOptional(), commit: z.string(), dirty: z.boolean() })
      .exactOptional(),
    bases: z.array(
      z.strictObject({
        name: z.string(),
        digest: z.string().exactOptional(),
        role: z.enum(['root', 'copy', 'frontend']).exactOptional(),
        layers: z.array(digest).exactOptional(),
      }),
    ),
    dockerfile: z.string().exactOptional(),
    argNames: z.array(z.string()).exactOptional(),
    args: z.record(z.string(), z.string()).exactOptional(),
    target: z.string().exactOptional(),
    platform: z.string(),
    builder: z.strictObject({ name: z.string(), version: z.string() }),
    identity: z.string(),
    startedAt: z.string(),
    finishedAt: z.string(),
  });
  const parsed = schema.safeParse(parseStrictJson(await readBlob(reader, layer, maxFactsBytes), { where }));
  // Of another version of this tool: as good as none, and the next build writes them anew.
  return parsed.success && parsed.data.image === image ? parsed.data : undefined;
}
