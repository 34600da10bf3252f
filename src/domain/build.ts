import type { Digest } from './digest.ts';
import { AmlpromoteError } from './errors.ts';

/**
 * How a base reached the image. `root`: the image stands on its layers, which proves it. `copy`: files were taken from it
 * (`COPY --from`, `RUN --mount=…,from=`, a stage that was copied from); `frontend`: it read the Dockerfile (`# syntax=`).
 * Nothing in the image proves those two: they are what the signer claims.
 */
export type BaseRole = 'root' | 'copy' | 'frontend';

/** The root of a build that starts from nothing (Dockerfile reference, `FROM scratch`). */
export const scratchBase = 'scratch';

export interface RecordedBase {
  /** As the Dockerfile names it, variables replaced; `scratch` for a root that is no image. */
  readonly name: string;
  /** Of the manifest or index where the engine knows it, else the id of the image in the engine. */
  readonly digest?: string;
  /** Version 0.1.0 recorded none. */
  readonly role?: BaseRole;
  /** Of a `root`: its diffIDs, with which the image begins. Absent when they could not be learnt. */
  readonly layers?: readonly Digest[];
}

/** What was known when an image was made; becomes the SLSA provenance. Never part of the image, so a build-key hit is never stale. */
export interface BuildFacts {
  readonly image: Digest;
  /** `engine`: built here from a Dockerfile; `source-image`: an existing image, taken over by digest. */
  readonly kind: 'engine' | 'source-image';
  /** sha256 hex over context, Dockerfile, args, target, platform and base digest; absent for `source-image`. */
  readonly buildKey?: string;
  readonly source?: { readonly repository?: string; readonly commit: string; readonly dirty: boolean };
  /** The images that reached this one. */
  readonly bases: readonly RecordedBase[];
  readonly dockerfile?: string;
  /** Names of all build arguments that were given, sorted; of `engine`. Version 0.1.0 recorded none. */
  readonly argNames?: readonly string[];
  /** Values of the arguments that the manifest calls public. Version 0.1.0 recorded those of all. */
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform: string;
  readonly builder: { readonly name: string; readonly version: string };
  /** The person or pipeline as the machine knows it (CI run URL, or user@host). Claimed, not proven: the signature proves the signer. */
  readonly identity: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** What policies judge of how an image was built. */
export type BuildClaims = Pick<BuildFacts, 'kind' | 'bases' | 'argNames' | 'args'>;

/** Facts with roles; those that version 0.1.0 recorded have none. */
export const hasRoles = ({ bases }: Pick<BuildFacts, 'bases'>): boolean =>
  bases.some(({ role }) => role !== undefined);

/** Whether an image stands on these layers: its diffIDs begin with them, in their order. */
export const beginsWith = (diffIds: readonly string[], layers: readonly string[]): boolean =>
  layers.length <= diffIds.length && layers.every((layer, at) => diffIds[at] === layer);

/** Of `FROM scratch` and settings only. */
export const withoutLayers = (cause?: unknown): AmlpromoteError =>
  new AmlpromoteError(
    'MANIFEST_INVALID',
    'the image that the Dockerfile makes has no layers: nothing can run in it',
    {
      nextSteps: ['COPY or RUN something in its last stage, or begin with a base image.'],
      ...(cause === undefined ? {} : { cause }),
    },
  );
