import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import { identityOf } from '../domain/descriptor.ts';
import { mediaTypes } from '../domain/media-types.ts';
import { sha256 } from '../domain/sha256.ts';
import { encodeManifest, parseManifest } from '../oci/manifest.ts';
import { readBlob } from '../oci/verified.ts';
import type { ContentReader } from '../ports/content.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import type { EvidenceArtifact } from './artifact.ts';
import { malformed } from './check.ts';

export interface SingleLayer {
  readonly subject: Descriptor;
  readonly layer: { readonly mediaType: string; readonly bytes: Uint8Array };
  readonly annotations: Readonly<Record<string, string>>;
  /** Exactly one: the manifest's `artifactType` with an empty config, or the type of the (empty) config. */
  readonly type: { readonly artifactType: string } | { readonly configType: string };
}

/** A manifest with one layer and the two-byte config `{}`, attached to `subject` (image-spec manifest.md, "artifact usage"). */
export function encodeReferrer(parts: SingleLayer): EvidenceArtifact {
  const empty = Buffer.from('{}');
  const config = {
    mediaType: 'configType' in parts.type ? parts.type.configType : mediaTypes.ociEmpty,
    digest: sha256(empty),
    size: empty.byteLength,
  };
  const layer = {
    mediaType: parts.layer.mediaType,
    digest: sha256(parts.layer.bytes),
    size: parts.layer.bytes.byteLength,
  };
  return {
    manifest: encodeManifest({
      mediaType: mediaTypes.ociManifest,
      ...('artifactType' in parts.type ? { artifactType: parts.type.artifactType } : {}),
      config,
      layers: [layer],
      subject: identityOf(parts.subject),
      annotations: parts.annotations,
    }),
    blobs: [
      { descriptor: config, bytes: empty },
      { descriptor: layer, bytes: parts.layer.bytes },
    ],
  };
}

/** A referrer as read back: the manifest's bytes and those of its only layer, both checked by digest. */
export interface LoadedReferrer {
  readonly manifest: ManifestContent;
  readonly artifactType: string;
  readonly subject: Descriptor | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly layer: Descriptor;
  readonly content: Uint8Array;
}

/**
 * @throws LISTED_CONTENT_MISSING, CONTENT_INVALID (not one layer, larger than `maxBytes`), INTEGRITY_MISMATCH, and what
 * the reader throws
 */
export async function loadReferrer(
  reader: ContentReader,
  descriptor: Descriptor,
  maxBytes: number,
): Promise<LoadedReferrer> {
  const manifest = await reader.manifest(descriptor.digest);
  if (!manifest)
    throw new AmlpromoteError('LISTED_CONTENT_MISSING', `evidence ${descriptor.digest} is not there`);
  const facts = referrerFacts(manifest);
  return { ...facts, content: await readBlob(reader, facts.layer, maxBytes) };
}

/** @throws CONTENT_INVALID */
export function referrerFacts(manifest: ManifestContent): Omit<LoadedReferrer, 'content'> {
  const parsed = parseManifest(manifest);
  const [layer, ...more] = parsed.layers;
  if (!layer || more.length > 0)
    malformed(`evidence ${manifest.descriptor.digest}`, 'does not have exactly one layer');
  return {
    manifest,
    artifactType: parsed.artifactType ?? parsed.config.mediaType,
    subject: parsed.subject,
    annotations: parsed.annotations ?? {},
    layer,
  };
}

/** Media type, digest and size: what a descriptor identifies. */
export const sameContent = (a: Descriptor | undefined, b: Descriptor): boolean =>
  a?.digest === b.digest && a.size === b.size && a.mediaType === b.mediaType;
