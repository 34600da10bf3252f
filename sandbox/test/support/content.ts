import { randomBytes } from 'node:crypto';
import { sha256 } from '../../../src/domain/sha256.ts';
import type { Digest } from '../../../src/domain/digest.ts';

/** Bytes with their descriptor. */
export interface Piece {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly bytes: Buffer;
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export const piece = (mediaType: string, content: Buffer | object): Piece => {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength, bytes };
};

export const descriptor = ({ mediaType, digest, size }: Piece) => ({ mediaType, digest, size });

/** A manifest and the blobs that must be there before it. */
export interface Made extends Piece {
  readonly blobs: readonly Piece[];
}

/** An image of one random layer: two images are never the same. */
export function makeImage(layerBytes = 1024): Made {
  const layer = piece('application/vnd.oci.image.layer.v1.tar+gzip', randomBytes(layerBytes));
  const config = piece('application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = piece(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(config),
    layers: [descriptor(layer)],
  });
  return { ...manifest, blobs: [config, layer] };
}

/** An artifact about `subject`, as signatures and attestations are. */
export function makeReferrer(subject: Piece, artifactType: string, content: object): Made {
  const empty = piece('application/vnd.oci.empty.v1+json', {});
  const layer = piece(artifactType, content);
  const manifest = piece(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType,
    config: descriptor(empty),
    layers: [descriptor(layer)],
    subject: descriptor(subject),
    annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' },
  });
  return { ...manifest, blobs: [empty, layer] };
}

export const makeIndex = (children: readonly Piece[]): Made => ({
  ...piece(indexType, { schemaVersion: 2, mediaType: indexType, manifests: children.map(descriptor) }),
  blobs: [],
});
