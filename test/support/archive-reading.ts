import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { decompress, isDecompressionError } from '../../src/oci/walk/decompress.ts';
import type { TarEntry } from '../../src/oci/walk/tar.ts';
import { TarReader } from '../../src/oci/walk/tar.ts';
import type { OracleAnswer, OracleMember } from './archive-oracle.ts';

interface ReadMember extends TarEntry {
  readonly sha256?: string;
}

/** What our reader makes of an archive: members, or a refusal, which is a gap that names the layer. */
export type Reading = { readonly members: readonly ReadMember[] } | { readonly refused: string };

/** `wanted`: whether contents are read, or skipped. */
export async function readArchive(archive: Buffer, wanted: boolean): Promise<Reading> {
  const members: ReadMember[] = [];
  const tar = new TarReader({
    entry(entry) {
      members.push(entry);
      return wanted && entry.kind === 'file';
    },
    content(entry, bytes) {
      members[members.length - 1] = { ...entry, sha256: sha256(bytes).slice('sha256:'.length) };
    },
  });
  try {
    for await (const chunk of decompress(chunksOf(archive))) tar.write(chunk);
    tar.end();
    return { members };
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID')
      return { refused: error.message };
    if (isDecompressionError(error)) return { refused: (error as Error).message };
    throw error;
  }
}

/** In uneven pieces, as networks give them. */
async function* chunksOf(archive: Buffer): AsyncGenerator<Uint8Array> {
  const step = 700 + (archive.length % 997);
  for (let at = 0; at < archive.length; at += step)
    yield await Promise.resolve(archive.subarray(at, at + step));
}

const kinds: Readonly<Record<string, TarEntry['kind']>> = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'other',
  '4': 'other',
  '5': 'directory',
  '6': 'other',
  g: 'global',
};

/** What our reader misses or has otherwise than Go; undefined when nothing. Where Go gives up, we may have read on. */
export function difference(reading: Reading, answer: OracleAnswer): string | undefined {
  if ('refused' in reading) return undefined;
  const { members } = reading;
  if (answer.error === undefined && members.length !== answer.members.length)
    return `${String(members.length)} members, Go has ${String(answer.members.length)}`;
  return answer.members
    .map((theirs, index) => memberDifference(members[index], theirs, index))
    .find((found) => found !== undefined);
}

/** We read what Go refuses: only where nothing is hidden by it. */
export function laxer(reading: Reading, answer: OracleAnswer): string | undefined {
  if ('refused' in reading || answer.error === undefined) return undefined;
  // The maps of sparse files are not read: such a file, where it is wanted, is a gap in itself.
  if (reading.members.some(({ sparse }) => sparse)) return undefined;
  // Behind a gzip member: what it says is checked by the diffID, and nothing behind it is read.
  if (/^gzip|^unexpected EOF$/.test(answer.error)) return undefined;
  return answer.error;
}

function memberDifference(
  ours: ReadMember | undefined,
  theirs: OracleMember,
  index: number,
): string | undefined {
  if (!ours) return `member ${String(index)} is missing`;
  const where = `member ${String(index)} (${JSON.stringify(ours.path)})`;
  const name = encodeName(ours.path).toString('base64');
  if (name !== theirs.name) return `${where}: Go names it ${text(theirs.name)}`;
  if (ours.kind !== kinds[theirs.type]) return `${where}: ${ours.kind}, Go says ${theirs.type}`;
  const isLink = ours.kind === 'symlink' || ours.kind === 'hardlink';
  if (isLink && encodeName(ours.link).toString('base64') !== theirs.link)
    return `${where}: → ${ours.link}, Go says ${text(theirs.link)}`;
  if (ours.kind !== 'file' || ours.sparse) return undefined;
  if (ours.size !== theirs.size)
    return `${where}: ${String(ours.size)} bytes, Go says ${String(theirs.size)}`;
  if (ours.sha256 !== undefined && theirs.sha256 !== undefined && ours.sha256 !== theirs.sha256)
    return `${where}: other bytes than Go's`;
  return undefined;
}

const text = (base64: string): string => JSON.stringify(Buffer.from(base64, 'base64').toString('latin1'));

/** The bytes that `decodeName` made a text of. */
export const encodeName = (name: string): Buffer =>
  Buffer.concat(
    Array.from(name, (char) => {
      const code = char.charCodeAt(0);
      const isEscaped = char.length === 1 && code >= 0xdc80 && code <= 0xdcff;
      return isEscaped ? Buffer.from([code - 0xdc00]) : Buffer.from(char, 'utf8');
    }),
  );
