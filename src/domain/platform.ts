/** OCI platform, e.g. linux/amd64 or linux/arm64/v8. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export const formatPlatform = (platform: Platform): string =>
  [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/');

/** `os/architecture[/variant]`; undefined when the text is not of that form. */
export function parsePlatform(text: string): Platform | undefined {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  return { os: match[1], architecture: match[2], ...(match[3] ? { variant: match[3] } : {}) };
}

/**
 * As container runtimes compare it (containerd/platforms, database.go): amd64/v1 is amd64, arm64/v8 is arm64, arm alone is
 * arm/v7, and the two arms may leave out the `v`.
 */
export function normalizePlatform({ os, architecture, variant }: Platform): Platform {
  const said = normalVariant(architecture, variant);
  return { os, architecture, ...(said === undefined ? {} : { variant: said }) };
}

function normalVariant(architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'amd64') return variant === 'v1' ? undefined : variant;
  if (architecture === 'arm64') return variant === 'v8' || variant === '8' ? undefined : variant;
  if (architecture === 'arm') return variant === undefined ? 'v7' : variant.replace(/^[5-8]$/, 'v$&');
  return variant;
}

/** Whether two spellings (`linux/amd64`, `linux/amd64/v1`) name one platform. */
export function isSamePlatform(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => {
    const platform = parsePlatform(text);
    return platform ? formatPlatform(normalizePlatform(platform)) : text;
  });
  return a === b;
}
