import { Readable } from 'node:stream';
import type { Descriptor, ManifestContent } from '../domain/descriptor.ts';
import type { ContentWriter } from '../ports/content.ts';

/** A small OCI artifact in memory: its manifest and the blobs that it names (config included). */
export interface EvidenceArtifact {
  readonly manifest: ManifestContent;
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** Blobs first, manifest last: a reader never sees a manifest whose content is missing. */
export async function pushArtifact(
  target: ContentWriter,
  artifact: EvidenceArtifact,
  tag?: string,
): Promise<void> {
  for (const { descriptor, bytes } of artifact.blobs) {
    if (await target.hasBlob(descriptor)) continue;
    await target.pushBlob(descriptor, () => Promise.resolve(Readable.from([bytes])));
  }
  await target.pushManifest(artifact.manifest, tag);
}
