import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';

/** The part that a manifest plays in a release; annotation `dev.amlpromote.role` on its descriptor in the index. */
export type ReleaseRole =
  'image' | 'image-manifest' | 'signature' | 'sbom' | 'scan' | 'provenance' | 'approval';

export const releaseRoles: readonly ReleaseRole[] = [
  'image',
  'image-manifest',
  'signature',
  'sbom',
  'scan',
  'provenance',
  'approval',
];

/**
 * `release.json`: the whole handover from outside to inside. It is a set of coordinates, not a proof: everything in it is
 * checked again against signed content. Signatures are named here because a signature cannot be a child of what it signs,
 * and inside cannot list the source.
 */
export interface ReleaseDocument {
  readonly apiVersion: 'amlpromote/v1';
  readonly kind: 'Release';
  /** Registry host of the source. */
  readonly registry: string;
  readonly repository: string;
  readonly name: string;
  readonly version: string;
  /** The counter; inside refuses to go back. */
  readonly release: number;
  readonly index: { readonly digest: Digest; readonly size: number };
  /** Manifests that sign the index (Notation). */
  readonly signatures: readonly Digest[];
}

/** The release index, parsed: what it says about itself and what it lists. */
export interface Release {
  readonly index: Descriptor;
  readonly name: string;
  readonly version: string;
  readonly release: number;
  readonly repository: string;
  /** The image: one manifest, or an index of platforms. */
  readonly image: Descriptor;
  readonly evidence: readonly {
    readonly role: Exclude<ReleaseRole, 'image'>;
    readonly descriptor: Descriptor;
  }[];
}
