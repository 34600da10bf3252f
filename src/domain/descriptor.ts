import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

/** OCI content descriptor (image-spec, descriptor.md). `size` in bytes. `urls` and `data` are never followed nor written. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a descriptor points at, without what somebody wrote beside it. */
export const identityOf = ({ mediaType, digest, size }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
});

/** A manifest or index as the exact bytes that its digest covers. */
export interface ManifestContent {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** OCI image manifest or artifact manifest, parsed and checked (`src/oci/manifest.ts` is the only parser). */
export interface ImageManifest {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** OCI image index, parsed and checked. */
export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Manifests larger than this are refused: 4 MiB, the limit of ACR and of the distribution specification's advice. */
export const maxManifestBytes = 4 * 1024 * 1024;
