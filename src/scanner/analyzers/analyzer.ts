import * as z from 'zod';
import type { Mark, NodeKind } from '../../oci/walk/walk.ts';

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
  /** Debian: a package that must be in the database, as installed or (`listed`) at least as removed. */
  unpacked: text.optional(),
  listed: text.optional(),
  /** Debian: packages that the database remembers, but that are not on disk any more. */
  removed: z.array(text).optional(),
  /** Paths of metadata that must be there, for something else says that the package is installed. */
  expects: z.array(text).optional(),
  /** conda: a directory in or (`caches`) below which the records of an environment must be. */
  environment: z.strictObject({ directory: text, caches: z.boolean() }).optional(),
  /** conda: the `conda-meta/` beside a `bin` or `lib`, whether there is one or not. */
  installed: text.optional(),
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
  /** By real path relative to the root; asked for every file: must be quick. */
  wants(path: string): boolean;
  /**
   * What marks a package, and what must then be there to be read: metadata that is marked and cannot be read is a gap,
   * never nothing (threat 33). Asked for everything in the image, whatever it is now: what was made a link, a directory or
   * a device marks no less than what it was. Must be quick.
   */
  marks(path: string, kind: NodeKind): Mark<FileFacts> | undefined;
  /** Paths to look up through symbolic links, where the package manager itself would open them. */
  readonly lookups: readonly string[];
  /** Must not throw: what it cannot understand goes into `problems`. Only the form of `path` may decide how bytes are read. */
  extract(path: string, bytes: Uint8Array): FileFacts;
}

/** `Name: value` of a control file or of core metadata, the name in lower case; undefined for any other line. */
export function fieldOf(line: string): [name: string, value: string] | undefined {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  return /^[A-Za-z][A-Za-z0-9-]*$/.test(name)
    ? [name.toLowerCase(), line.slice(colon + 1).trim()]
    : undefined;
}

/** Text of a metadata file; bytes that are not UTF-8 become U+FFFD, as package managers do not insist either. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);
