import { decodeName } from './names.ts';
import type { PaxRecords } from './pax.ts';
import { checkPaxNumbers, parseInteger, paxValue } from './pax.ts';
import type { TarHeader, TarKind } from './tar-header.ts';
import { invalid, safe } from './tar-header.ts';

export interface TarEntry {
  /** As written in the archive; not yet normalised. */
  readonly path: string;
  readonly kind: TarKind;
  /** Bytes of content that follow in the archive. */
  readonly size: number;
  /** Target of a symlink or hardlink; otherwise empty. */
  readonly link: string;
  /** Stored with holes: the bytes in the archive are not the bytes of the file. */
  readonly sparse: boolean;
}

/** What extended headers said before a header. */
export interface Extensions {
  readonly pax: PaxRecords | undefined;
  readonly name: string | undefined;
  readonly link: string | undefined;
}

/** Attributes by which overlayfs, which runtimes put layers in, hides or moves what lies below. */
const overlayAttribute =
  /^SCHILY\.xattr\.(?:trusted|user)\.overlay\.(?:opaque|whiteouts?|redirect|metacopy)$/;

/**
 * A member as Go's archive/tar gives it: pax over the header, GNU's long names over pax, GNU's name of a sparse file over
 * all. Empty values change nothing. @throws CONTENT_INVALID
 */
export function memberOf(header: TarHeader, { pax, name, link }: Extensions): TarEntry {
  const records: PaxRecords = pax ?? new Map<string, Buffer>();
  checkPaxNumbers(records);
  for (const key of records.keys())
    if (overlayAttribute.test(key)) throw invalid('an attribute that changes what other layers show');
  const text = (key: string): string | undefined => {
    const value = paxValue(records, key);
    return value && decodeName(value);
  };
  const isSparse = isSparseFile(header, records);
  const path =
    (isSparse && header.flag !== 'S' ? text('GNU.sparse.name') : undefined) ??
    orNothing(name) ??
    text('path') ??
    header.name;
  // As it was before GNU.sparse.name: a slash at the end of that one makes no directory.
  const kind = kindOf(header.flag, orNothing(name) ?? text('path') ?? header.name);
  const target = orNothing(link) ?? text('linkpath') ?? header.link;
  if (path.includes('\0') || target.includes('\0')) throw invalid('a name with a NUL');
  const paxSize = paxValue(records, 'size');
  // Neither what the header says nor what pax says in its place may be negative where content may follow.
  if (header.size < 0 && !'123456'.includes(header.flag)) throw invalid('a negative size');
  const headerOnly = kind !== 'file';
  const size = headerOnly
    ? 0
    : paxSize === undefined
      ? header.size
      : safe(parseInteger(paxSize.toString('latin1')) ?? 0n);
  if (size < 0) throw invalid('a negative size');
  if (headerOnly && isSparse) throw invalid('a sparse file that is none');
  return {
    path,
    kind,
    size,
    link: kind === 'symlink' || kind === 'hardlink' ? target : '',
    sparse: isSparse,
  };
}

/** Runtimes are told of a global header by the name it gives itself, and unpack nothing. */
export function globalMember(header: TarHeader, records: PaxRecords): TarEntry {
  checkPaxNumbers(records);
  const name = paxValue(records, 'path');
  return { path: name ? decodeName(name) : header.name, kind: 'global', size: 0, link: '', sparse: false };
}

const orNothing = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Old GNU sparse files by their flag; GNU's pax formats 0.0, 0.1 and 1.0 by their records, other versions are no format. */
function isSparseFile({ flag, format }: TarHeader, records: PaxRecords): boolean {
  if (flag === 'S') {
    // star has another layout under the same flag.
    if (format !== 'gnu') throw invalid('a sparse file that is not of GNU');
    return true;
  }
  const of = (key: string): string => records.get(`GNU.sparse.${key}`)?.toString('latin1') ?? '';
  const version = `${of('major')}.${of('minor')}`;
  if (version === '.') return of('map') !== '';
  return version === '0.0' || version === '0.1' || version === '1.0';
}

/** By the type flag; very old writers mark a directory by a slash only. No runtime unpacks a flag that is not here. */
function kindOf(flag: string, path: string): TarKind {
  switch (flag) {
    case '\0':
      return path.endsWith('/') ? 'directory' : 'file';
    case '0':
    case '7':
    case 'S':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
    case '4':
    case '6':
      return 'other';
    case '5':
      return 'directory';
    default:
      throw invalid(`a member of the unknown kind ${JSON.stringify(flag)}`);
  }
}
