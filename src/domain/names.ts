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

/** A version is a tag that does not collide with a reserved one. */
export const isVersion = (text: string): boolean => isTag(text) && !isReservedTag(text);

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
 * `sha256-<hex>` referrers by tag schema · `facts-<hex12>`, `scan-<hex12>` in the local store only.
 */
export const tags = {
  build: (keyHex12: string): string => `build-${keyHex12}`,
  release: (counter: number): string => `release-${String(counter)}`,
  receipts: 'receipts',
  facts: (hex12: string): string => `facts-${hex12}`,
  scan: (hex12: string): string => `scan-${hex12}`,
} as const;

export const isReservedTag = (text: string): boolean =>
  /^(?:build-[0-9a-f]{12}|release-\d+|receipts|facts-[0-9a-f]{12}|scan-[0-9a-f]{12}|sha256-[0-9a-f]{64}(?:\..+)?)$/.test(
    text,
  );

/** The counter of a `release-<n>` tag, or undefined. */
export function releaseCounterOf(tag: string): number | undefined {
  const match = /^release-([1-9]\d{0,8})$/.exec(tag);
  return match ? Number(match[1]) : undefined;
}

/** Where a release waits inside until it is verified; compute identities cannot pull it. */
export const quarantineOf = (repository: string): string => `quarantine/${repository}`;

/** Glob of `admits` and `exceptions`: `*` stands for any run of characters but `/`. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${pattern}$`).test(text);
}
