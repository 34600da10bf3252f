import type { Digest } from './digest.ts';

export type Severity = 'none' | 'low' | 'medium' | 'high' | 'critical' | 'unknown';

/** From harmless to severe; `unknown` is not on the scale: it is not clean, and not high either. */
export const severityScale = ['none', 'low', 'medium', 'high', 'critical'] as const;

export interface PackageIdentity {
  readonly name: string;
  readonly version: string;
  /** Package URL. */
  readonly purl: string;
  /** Where it is distributed and built from, if that differs (Debian source package). */
  readonly source?: { readonly name: string; readonly version: string };
}

/** One package found in an image. `ecosystem` as OSV spells it (`Debian:12`, `PyPI`), or undefined when nobody knows. */
export interface Component extends PackageIdentity {
  readonly ecosystem?: string;
  readonly licenses?: readonly string[];
  /** It lies in a package manager's cache: not installed, not importable from there. */
  readonly cached?: true;
  readonly layer: Digest;
  readonly path: string;
}

/** One vulnerability of one package. `id` is the record's id; a finding is the same under any of its `aliases`. */
export interface Finding {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: Severity;
  /** CVSS base score, 0–10. */
  readonly score?: number;
  readonly summary?: string;
  readonly package: PackageIdentity;
  /** Versions that repair it; empty = unfixed. */
  readonly fixedVersions: readonly string[];
  readonly layer?: Digest;
  readonly path?: string;
  /** RFC 3339. */
  readonly advisoryModified?: string;
}

export const coverageGapCodes = [
  'UNKNOWN_DISTRIBUTION',
  'NO_DATABASE',
  'UNPARSABLE_VERSION',
  'UNREADABLE_LAYER',
  'UNREADABLE_METADATA',
  'UNMATCHED_PACKAGE',
] as const;

export type CoverageGapCode = (typeof coverageGapCodes)[number];

/** Something that the scanner could not look at or not match: "unknown is not clean". */
export interface CoverageGap {
  readonly code: CoverageGapCode;
  readonly subject: string;
  readonly detail: string;
}

/** What was found in one image manifest (one platform). All times RFC 3339 UTC, whole seconds. */
export interface ScanReport {
  readonly image: Digest;
  readonly scanner: { readonly name: string; readonly version: string; readonly uri: string };
  readonly database: {
    /** Digest over the files that were read; identifies the database. */
    readonly digest: Digest;
    /** Newest `modified` of any record; undefined for an empty database. */
    readonly newest?: string;
    readonly ecosystems: readonly string[];
    /** Anything a reader must know, e.g. that it is a labelled fixture. */
    readonly label?: string;
  };
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly findings: readonly Finding[];
  readonly coverage: {
    readonly components: number;
    readonly ecosystems: readonly string[];
    readonly gaps: readonly CoverageGap[];
  };
}
