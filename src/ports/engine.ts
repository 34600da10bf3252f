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
  readonly onLog: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface EngineImage {
  /** `sha256:…` of the engine's image config. */
  readonly id: string;
  readonly platform: Platform;
  /** `name@sha256:…` as pulled. */
  readonly repoDigests: readonly string[];
  readonly diffIds: readonly string[];
  readonly sizeBytes: number;
}

/** A Docker-compatible engine. ENGINE_UNREACHABLE when it does not answer; BUILD_FAILED with the log's tail; DISK_FULL. */
export interface Engine {
  version(): Promise<{ readonly name: string; readonly version: string }>;
  build(request: EngineBuildRequest): Promise<EngineImage>;
  /** undefined when the engine does not have it. Never pulls. */
  inspect(reference: string): Promise<EngineImage | undefined>;
  /** `docker save`: a docker-archive tar (legacy or OCI flavoured: both carry manifest.json). */
  save(imageId: string): Promise<Readable>;
}
