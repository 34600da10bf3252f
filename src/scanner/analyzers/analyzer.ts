import * as z from 'zod';
import type { Wanted } from '../../oci/walk/listing.ts';

const text = z.string();
const identity = z.strictObject({ name: text, version: text });

/** A package as its own metadata names it. */
const foundPackage = z.strictObject({
  type: z.enum(['deb', 'pypi', 'conda']),
  name: text,
  version: text,
  /** Debian: the source package, if it differs in name or version. */
  source: identity.optional(),
  /** Conda: the Python distributions that it carries, under their PyPI names. */
  pypi: z.array(identity).optional(),
  /** Further purl qualifiers, e.g. `arch`. */
  qualifiers: z.record(text, text).optional(),
  licenses: z.array(text).optional(),
});

/** What one file tells. Kept per layer between runs, hence checked when it is read back. */
export const fileFactsSchema = z.strictObject({
  packages: z.array(foundPackage).optional(),
  distribution: z.strictObject({ id: text, version: text.optional(), name: text.optional() }).optional(),
  /** Paths that a Debian package put on disk, as far as another analyser may find packages there. */
  owns: z.strictObject({ package: text, paths: z.array(text) }).optional(),
  /** A package manager whose packages this scanner does not read. */
  unsupported: text.optional(),
  /** What could not be understood, in words. */
  problems: z.array(text).optional(),
});

export type FoundPackage = z.infer<typeof foundPackage>;
export type FileFacts = z.infer<typeof fileFactsSchema>;

/**
 * Reads the metadata of one package manager. Adding one: write a module beside this, list it in `all.ts`, give its packages
 * a purl in `../identify.ts`, and, if advisories exist for it, an ecosystem in `../ecosystems.ts`.
 */
export interface Analyzer {
  readonly id: string;
  /** Raised whenever `extract` would answer otherwise: stored facts of older versions are dropped. */
  readonly version: number;
  /** By real path relative to the root; asked for every file. `presence`: the name says enough. */
  wants(path: string): Wanted;
  /** Paths to look up through symbolic links, where the package manager itself would open them. */
  readonly lookups: readonly string[];
  /** Must not throw: what it cannot understand goes into `problems`. */
  extract(path: string, bytes: Uint8Array): FileFacts;
}

/** Text of a metadata file; bytes that are not UTF-8 become U+FFFD, as package managers do not insist either. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);
