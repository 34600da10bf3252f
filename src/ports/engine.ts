import type { Readable } from 'node:stream';
import type { Platform } from '../domain/platform.ts';

export interface EngineBuildRequest {
  /** A tar of the context, `.dockerignore` applied, deterministic order; Dockerfile inside. */
  readonly context: () => Readable;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform: Platform;
  readonly labels: Readonly<Record<string, string>>;
  /** The Dockerfile has syntax that only BuildKit knows: an engine that has a choice builds with that. */
  readonly needsBuildKit?: boolean;
  /** Steps run even when the engine remembers their result. */
  readonly noCache?: boolean;
  readonly onLog: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineImage {
  /** `sha256:…` of the engine's image config. */
  readonly id: string;
  readonly platform: Platform;
  /** `name@sha256:…` as pulled. */
  readonly repoDigests: readonly string[];
  /** Digests of the uncompressed layers, base first; empty where the engine does not tell. */
  readonly diffIds: readonly string[];
  /** `ONBUILD` instructions that a build on this image runs first; for certain only when asked for `triggers`. */
  readonly onBuild: readonly string[];
  readonly sizeBytes: number;
}

export interface EngineInspectOptions {
  readonly pull?: boolean;
  readonly platform?: Platform;
  /** With `pull`: an image of another platform than the one asked for is pulled again, for the one asked for. */
  readonly exactPlatform?: boolean;
  /** `onBuild` is needed: an engine that does not tell it (Podman) is made to, by reading the whole image. */
  readonly triggers?: boolean;
  readonly onLog?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineVersion {
  readonly name: string;
  readonly version: string;
  /**
   * Whether its builder knows here-documents in a Dockerfile: `by syntax` only where the Dockerfile begins with
   * `# syntax=` and an image that does. `unknown` where it is left out.
   */
  readonly hereDocuments?: 'known' | 'by syntax' | 'unknown';
}

/** A Docker-compatible engine. ENGINE_UNREACHABLE when it does not answer; BUILD_FAILED with the log's tail; DISK_FULL. */
export interface Engine {
  version(): Promise<EngineVersion>;
  build(request: EngineBuildRequest): Promise<EngineImage>;
  /**
   * undefined when the engine does not have it. Pulls only with `pull` (then NOT_FOUND, UNREACHABLE, FORBIDDEN when that
   * fails), so that a base image has a digest before the build.
   */
  inspect(reference: string, options?: EngineInspectOptions): Promise<EngineImage | undefined>;
  /** `docker save`: a docker-archive tar (legacy or OCI flavoured: both carry manifest.json). */
  save(imageId: string): Promise<Readable>;
}
