import type { Digest } from './digest.ts';

/** What was known when an image was made; becomes the SLSA provenance. Never part of the image, so a build-key hit is never stale. */
export interface BuildFacts {
  readonly image: Digest;
  /** `engine`: built here from a Dockerfile; `source-image`: an existing image, taken over by digest. */
  readonly kind: 'engine' | 'source-image';
  /** sha256 hex over context, Dockerfile, args, target, platform and base digest; absent for `source-image`. */
  readonly buildKey?: string;
  readonly source?: { readonly repository?: string; readonly commit: string; readonly dirty: boolean };
  /** `FROM` references of the stages that reached the image, with the digest or image id that was used. */
  readonly bases: readonly { readonly name: string; readonly digest?: string }[];
  readonly dockerfile?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform: string;
  readonly builder: { readonly name: string; readonly version: string };
  /** The person or pipeline as the machine knows it (CI run URL, or user@host). Claimed, not proven: the signature proves the signer. */
  readonly identity: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}
