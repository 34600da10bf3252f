import { compare, valid } from '@renovatebot/pep440';
import { compareDebianVersions, parseDebianVersion } from './debian.ts';

/** How the versions of an ecosystem are ordered. */
export interface VersionScheme {
  /** The form in which versions are compared; undefined when the text is not a version. */
  normalize(text: string): string | undefined;
  /** Negative, zero or positive. Both must come from `normalize`. */
  compare(a: string, b: string): number;
}

const debian: VersionScheme = {
  normalize: (text) => (parseDebianVersion(text) ? text : undefined),
  compare(a, b) {
    const left = parseDebianVersion(a);
    const right = parseDebianVersion(b);
    if (!left || !right) throw new TypeError('not a Debian version');
    return compareDebianVersions(left, right);
  },
};

/**
 * PEP 440. The local label (`2.0.1+cu118`) is left out: advisories name public versions, and a rebuild with a label of its
 * own is as vulnerable as what it was built from (PEP 440, "Local version identifiers").
 */
const python: VersionScheme = {
  normalize: (text) => (valid(text) ?? undefined)?.split('+')[0],
  compare: (a, b) => compare(a, b),
};

/** By the ecosystem's name without its release (`Debian:12` → `Debian`). */
export const versionSchemeOf = (ecosystem: string): VersionScheme | undefined =>
  ({ Debian: debian, PyPI: python })[ecosystem.split(':')[0] ?? ''];
