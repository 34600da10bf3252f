/**
 * What an image says of where its packages come from ends in signed and published documents, and URLs carry passwords and
 * tokens. Nothing of a URL is told but what is known to be a name.
 */
const plainName = /^[A-Za-z0-9][\w.-]{0,127}$/;
const platform = /^(?:noarch|(?:linux|osx|win|freebsd|zos|emscripten|wasi)-[a-z0-9_]+)$/;

/** The name of a conda channel, of which a record has the name or the URL; undefined where the name is not plain. */
export function channelName(channel: string, subdir: string | undefined): string | undefined {
  const path = pathOf(channel);
  const parts = path?.split('/').filter((part) => part !== '') ?? [];
  if (!parts.every((part) => plainName.test(part))) return undefined;
  const isToken = (part: string | undefined): boolean => part?.toLowerCase() === 't';
  return parts
    .filter((part, at) => !isToken(part) && !isToken(parts[at - 1]))
    .filter((part) => part !== subdir && !platform.test(part))
    .at(-1);
}

/** Without authority, query and fragment. */
function pathOf(channel: string): string | undefined {
  try {
    if (/^[a-z][a-z0-9+.-]*:[/\\]/i.test(channel)) return decodeURIComponent(new URL(channel).pathname);
    // A host without a scheme has a dot, and the first part of a name like `pkgs/main` has none.
    return decodeURIComponent(channel.replace(/^(?:\/\/[^/]*|[^/.]*\.[^/]*(?=\/))/, ''));
  } catch {
    return undefined;
  }
}

/** A URL with user information, in a text that should have none. */
export const holdsCredential = (text: string): boolean => /\/\/[^\s/]*@/.test(text);
