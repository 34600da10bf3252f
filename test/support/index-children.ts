import type { Descriptor, ManifestContent } from '../../src/domain/descriptor.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { Repository } from '../../src/ports/content.ts';
import { layerOf, tarOfFiles } from './tar-archive.ts';

export interface ChildParts {
  readonly config?: unknown;
  readonly configType?: string;
  readonly layers?: readonly (readonly [mediaType: string, content: string | Uint8Array])[];
  readonly artifactType?: string;
}

/** A statement as BuildKit writes it. */
export const statement = JSON.stringify({
  _type: 'https://in-toto.io/Statement/v0.1',
  predicateType: 'https://slsa.dev/provenance/v0.2',
  subject: [{ name: '_', digest: { sha256: 'a'.repeat(64) } }],
  predicate: { builder: { id: '' }, metadata: { completeness: { parameters: true } } },
});

export const layerTar: Uint8Array = layerOf(tarOfFiles({ 'bin/sh': 'evil' })).blob;

/** The manifest that BuildKit adds to an index for each platform that it built. */
export const attestation: ChildParts = {
  config: {
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: [sha256(statement)] },
  },
  layers: [[mediaTypes.dssePayload, statement]],
};

/** The same as an OCI artifact (`oci-artifact=true`). */
export const attestationArtifact: ChildParts = {
  artifactType: 'application/vnd.docker.attestation.manifest.v1+json',
  configType: mediaTypes.ociEmpty,
  config: {},
  layers: [[mediaTypes.dssePayload, statement]],
};

/** A manifest of any parts; by default a small image for linux/amd64. */
export async function pushChild(target: Repository, parts: ChildParts = {}): Promise<Descriptor> {
  const { layers = [[mediaTypes.ociLayerGzip, layerTar]], configType = mediaTypes.ociConfig } = parts;
  const {
    config = {
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(([, content]) => sha256(content)) },
    },
  } = parts;
  const blobs = [[configType, JSON.stringify(config)] as const, ...layers].map(([mediaType, content]) => {
    const bytes = Buffer.from(content);
    return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength }, bytes };
  });
  const [first, ...rest] = blobs.map(({ descriptor }) => descriptor);
  const manifest = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    ...(parts.artifactType === undefined ? {} : { artifactType: parts.artifactType }),
    config: first!,
    layers: rest,
  });
  await pushArtifact(target, { manifest, blobs });
  const { mediaType, digest, size } = manifest.descriptor;
  return { mediaType, digest, size };
}

export type Listed = Descriptor | (Omit<Descriptor, 'platform'> & { readonly platform: unknown });

/** An index as somebody wrote it: labels may be anything. */
export async function pushIndex(target: Repository, manifests: readonly Listed[]): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
  const content: ManifestContent = {
    descriptor: { mediaType: mediaTypes.ociIndex, digest: sha256(bytes), size: bytes.byteLength },
    bytes,
  };
  await target.pushManifest(content);
  return content.descriptor;
}
