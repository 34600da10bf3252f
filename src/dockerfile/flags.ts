import type { Dialect } from './dialect.ts';
import { isSpace, lower } from './go-text.ts';
import { Unreadable } from './unreadable.ts';

/**
 * Takes the flags off the beginning of an instruction's arguments. BuildKit goes by bytes here, so this does: a byte 0xA0
 * in the middle of a letter ends a flag.
 * @returns the flags, quotes and escapes resolved; and the rest of the line
 */
export function takeFlags(
  text: string,
  escape: string,
  line: number,
): { readonly flags: readonly string[]; readonly rest: string } {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < bytes.length && isSpace(bytes.charAt(at))) at += 1;
    if (!bytes.startsWith('--', at)) break;
    const word = wordAt(bytes, at, escape);
    at = word.end;
    if (word.text === '--') break;
    flags.push(word.text);
  }
  const rest = Buffer.from(bytes.slice(at), 'latin1');
  try {
    return { flags, rest: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(rest) };
  } catch {
    throw new Unreadable(line, 'a letter is cut in two: builders split flags between its bytes');
  }
}

function wordAt(bytes: string, start: number, escape: string): { text: string; end: number } {
  let text = '';
  let quote = '';
  let at = start;
  for (; at < bytes.length; at += 1) {
    let character = bytes.charAt(at);
    if (quote === '' && isSpace(character)) break;
    if (quote === '' ? character === '"' || character === "'" : character === quote) {
      quote = quote === '' ? character : '';
      continue;
    }
    if (character === escape) {
      if (at + 1 === bytes.length) continue;
      at += 1;
      character = bytes.charAt(at);
    }
    text += character;
  }
  return { text, end: at };
}

type Kind = 'text' | 'list' | 'truth';

const spec = (kind: Kind, ...names: readonly string[]): readonly (readonly [string, Kind])[] =>
  names.map((name) => [name, kind] as const);

/** Flags by instruction (`frontend/dockerfile/instructions`, BuildKit 0.34). */
const flagsOf: Readonly<Record<string, ReadonlyMap<string, Kind>>> = {
  from: new Map(spec('text', 'platform')),
  copy: new Map([
    ...spec('text', 'chown', 'from', 'chmod'),
    ...spec('truth', 'link', 'parents'),
    ...spec('list', 'exclude'),
  ]),
  add: new Map([
    ...spec('text', 'chown', 'chmod', 'checksum'),
    ...spec('truth', 'link', 'keep-git-dir', 'unpack'),
    ...spec('list', 'exclude'),
  ]),
  run: new Map([...spec('text', 'network', 'security'), ...spec('list', 'mount', 'device')]),
  healthcheck: new Map(spec('text', 'interval', 'timeout', 'start-period', 'start-interval', 'retries')),
};

const none: ReadonlyMap<string, Kind> = new Map();
/** Their flags are parted from their arguments, and then nobody looks. */
const unread = new Set(['arg', 'stopsignal']);

/**
 * The values of an instruction's flags.
 * @throws Unreadable for one that the instruction does not have, that comes twice, or lacks a value
 */
export function readFlags(
  word: string,
  flags: readonly string[],
  line: number,
): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  if (unread.has(word)) return values;
  for (const flag of flags) {
    const at = flag.indexOf('=');
    const name = at < 0 ? flag.slice(2) : flag.slice(2, Math.max(2, at));
    const value = at < 0 ? undefined : flag.slice(at + 1);
    const kind = (flagsOf[word] ?? none).get(name);
    if (kind === undefined) throw new Unreadable(line, `${word.toUpperCase()} has no flag --${name}`);
    const before = values.get(name);
    if (before && kind !== 'list') throw new Unreadable(line, `the flag --${name} comes twice`);
    if (kind === 'truth') {
      if (value === '' || !['true', 'false', ''].includes(lower(value ?? ''))) {
        throw new Unreadable(line, `the flag --${name} is true or false`);
      }
    } else if (value === undefined) {
      throw new Unreadable(line, `the flag --${name} lacks a value`);
    }
    values.set(name, [...(before ?? []), value ?? 'true']);
  }
  return values;
}

/** Flags that only BuildKit has. */
const buildKitFlags = [
  ...['mount', 'network', 'security', 'device'],
  ...['link', 'chmod', 'parents', 'exclude', 'checksum', 'keep-git-dir', 'unpack'],
];

export const needsBuildKit = (flags: ReadonlyMap<string, unknown>): boolean =>
  buildKitFlags.some((name) => flags.has(name));

/** The character that escapes in flags. */
export const flagEscape = (escape: string, dialect: Dialect): string =>
  dialect.escapesFlags ? escape : '\\';
