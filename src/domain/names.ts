/** The grammars of names. One place, because a name that passes here ends up in URLs, tags and ARM ids. */

/** Azure ML environment name; `AzureML…` and `Microsoft…` are reserved by the service. */
export const isEnvironmentName = (text: string): boolean =>
  /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/.test(text) && !/^(azureml|microsoft)/i.test(text);

/** OCI distribution repository name (distribution-spec, "pulling manifests"); at most 255 characters. */
export const isRepositoryName = (text: string): boolean =>
  text.length <= 255 &&
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(text);

/** OCI tag. */
export const isTag = (text: string): boolean => /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);

/**
 * The version of a release that may exist already: a tag that was not reserved when 0.1.0 made it. A new image gets its version
 * from `isNewVersion`.
 */
export const isVersion = (text: string): boolean => isTag(text) && !reservedFromTheStart.test(text);

/** A version that may be given to a new image: a tag that collides with no reserved one. */
export const isNewVersion = (text: string): boolean => isTag(text) && !isReservedTag(text);

/**
 * Below these the tool keeps things of its own: what waits for its verdict, packages, records of a zone. An image there could be
 * taken for one of them, or overwrite it.
 */
export const isReservedRepository = (text: string): boolean => /^(?:amlpromote|quarantine)\//.test(text);

/** A repository that an image may have, in both registries. */
export const isImageRepository = (text: string): boolean =>
  isRepositoryName(text) && !isReservedRepository(text);

/** `host[:port]`: lower-case DNS name or IPv4 address. */
export const isRegistryHost = (text: string): boolean =>
  // RFC 1035: 253 characters, and a port. A pattern with groups in a star must not see megabytes.
  text.length <= 259 &&
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/.test(
    text,
  );

/**
 * Tags with a meaning of their own; registries cannot be searched by annotation, so these are how things are found.
 * `build-<key12>` the image of a build key · `release-<n>` the release index · `receipts` the list of receipts ·
 * `sha256-<hex>` referrers by tag schema · `facts-<hex12>`, `scan-<hex12>` in the local store only. Reserved, but not written by
 * this version: `receipt-…`, `records`, `posture`, `revocations`, `p-…`.
 */
export const tags = {
  build: (keyHex12: string): string => `build-${keyHex12}`,
  release: (counter: number): string => `release-${String(counter)}`,
  receipts: 'receipts',
  facts: (hex12: string): string => `facts-${hex12}`,
  scan: (hex12: string): string => `scan-${hex12}`,
} as const;

const reservedFromTheStart =
  /^(?:build-[0-9a-f]{12}|release-\d+|receipts|facts-[0-9a-f]{12}|scan-[0-9a-f]{12}|sha256-[0-9a-f]{64}(?:\..+)?)$/;

export const isReservedTag = (text: string): boolean =>
  reservedFromTheStart.test(text) || /^(?:receipt-.*|records|posture|revocations|p-.*)$/.test(text);

export const isBuildTag = (text: string): boolean => /^build-[0-9a-f]{12}$/.test(text);

/** Those of the reserved tags that stand beside the versions of an image in the final repository. */
export const isRecordTag = (text: string): boolean => /^(?:receipt-.*|records)$/.test(text);

/** Counters are 1 … 999 999 999, outside and inside. */
export const maxCounter = 999_999_999;

/** The counter of a `release-<n>` tag, or undefined. */
export function releaseCounterOf(tag: string): number | undefined {
  const match = /^release-([1-9]\d{0,8})$/.exec(tag);
  return match ? Number(match[1]) : undefined;
}

/** Where a release waits inside until it is verified; compute identities cannot pull it. */
export const quarantineOf = (repository: string): string => `quarantine/${repository}`;

/** Where imports that run at the same time agree who has a counter and a version. */
export const claimsOf = (repository: string): string => `amlpromote/claims/${repository}`;

export const isQuarantine = (repository: string): boolean => repository.startsWith('quarantine/');

/** Glob of `admits` and `exceptions`: `*` stands for any run of characters but `/`. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${pattern}$`).test(text);
}
