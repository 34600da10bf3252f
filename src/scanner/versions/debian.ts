/** `[epoch:]upstream[-revision]` (Debian Policy 5.6.12). */
interface DebianVersion {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

/** Undefined for what dpkg would not take as a version. */
export function parseDebianVersion(text: string): DebianVersion | undefined {
  const colon = text.indexOf(':');
  const epoch = colon < 0 ? '0' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  const upstream = dash < 0 ? rest : rest.slice(0, dash);
  const revision = dash < 0 ? '' : rest.slice(dash + 1);
  const valid =
    /^\d{1,9}$/.test(epoch) &&
    /^\d[A-Za-z0-9.+~:-]*$/.test(upstream) &&
    (dash < 0 || /^[A-Za-z0-9.+~]+$/.test(revision)) &&
    text.length <= 512;
  return valid ? { epoch: Number(epoch), upstream, revision } : undefined;
}

/** Negative, zero or positive, as dpkg orders versions (deb-version(7), "Sorting algorithm"). No revision equals revision 0. */
export function compareDebianVersions(a: DebianVersion, b: DebianVersion): number {
  return a.epoch - b.epoch || compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision);
}

/** Alternately a run of non-digits, compared by `weight`, and a run of digits, compared as numbers of any length. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const startA = skipZeros(a, i);
    const startB = skipZeros(b, j);
    i = endOfDigits(a, startA);
    j = endOfDigits(b, startB);
    const byLength = i - startA - (j - startB);
    if (byLength !== 0) return byLength;
    const digitsA = a.slice(startA, i);
    const digitsB = b.slice(startB, j);
    if (digitsA !== digitsB) return digitsA < digitsB ? -1 : 1;
  }
  return 0;
}

/** `~` before the end, the end (and digits) before letters, letters before everything else. */
function weight(text: string, index: number): number {
  if (index >= text.length || isDigit(text, index)) return 0;
  const char = text.charAt(index);
  if (char === '~') return -1;
  const code = char.charCodeAt(0);
  return /[A-Za-z]/.test(char) ? code : code + 256;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

function skipZeros(text: string, from: number): number {
  let index = from;
  while (text[index] === '0') index += 1;
  return index;
}

function endOfDigits(text: string, from: number): number {
  let index = from;
  while (index < text.length && isDigit(text, index)) index += 1;
  return index;
}
