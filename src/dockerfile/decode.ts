import { Unreadable } from './unreadable.ts';

/**
 * A text file that is UTF-8; a byte order mark stays.
 * @throws Unreadable at the line that is not
 */
export function decodeText(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Unreadable(badLine(bytes), 'it is not UTF-8', ['Save the file as UTF-8.']);
  }
}

function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) break;
    start = end + 1;
  }
  return line;
}
