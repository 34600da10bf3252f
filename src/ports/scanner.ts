import type { Descriptor } from '../domain/descriptor.ts';
import type { Digest } from '../domain/digest.ts';
import type { Progress } from '../domain/events.ts';
import type { ScanReport } from '../domain/scan.ts';
import type { ContentReader } from './content.ts';

export interface ScanRequest {
  readonly content: ContentReader;
  /** One image manifest (not an index). */
  readonly image: Descriptor;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface ScanOutcome {
  readonly report: ScanReport;
  /** CycloneDX 1.6 JSON, deterministic for the same image. */
  readonly sbom: Uint8Array;
}

export interface Scanner {
  /** Who would answer now, with which advisories: as reports name them. */
  identity(): Promise<Pick<ScanReport['scanner'], 'name' | 'version'> & { readonly database: Digest }>;
  /** Identifies scanner and advisory database; a stored result with the same key need not be made again. */
  cacheKey(): Promise<string>;
  scan(request: ScanRequest): Promise<ScanOutcome>;
}
