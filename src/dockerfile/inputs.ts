import type { Dialect } from './dialect.ts';
import { readFlags } from './flags.ts';
import { parseHereDocument } from './here-documents.ts';
import type { Instruction } from './instructions.ts';
import { parseMount, variable } from './mounts.ts';
import { BadWords, lexWords } from './shell-words.ts';
import type { Inputs, Remote } from './stage.ts';
import { Unreadable } from './unreadable.ts';
import { plainWords } from './words.ts';

type Part = Pick<Instruction, 'word' | 'flags' | 'rest' | 'json' | 'line' | 'escape'>;

/**
 * What `COPY`, `ADD` and `RUN` take from elsewhere.
 * @throws Unreadable for what builders refuse
 */
export function inputsOf(part: Part, dialect: Dialect): Inputs {
  const { word, line, escape } = part;
  const flags = readFlags(word, part.flags, line);
  const mounts = (flags.get('mount') ?? []).map((value) => parseMount(value, escape, line));
  const copied = flags.get('from')?.[0] ?? '';
  if (copied !== '' && isExpanded(copied, escape, line)) throw variable(line, `${word.toUpperCase()} --from`);
  return {
    uses: [
      ...(copied === '' ? [] : [{ reference: copied, by: 'copy' as const, line }]),
      ...mounts.flatMap(({ from }) =>
        from === undefined ? [] : [{ reference: from, by: 'mount' as const, line }],
      ),
    ],
    mounts,
    remotes: word === 'run' ? [] : remotesOf(part, dialect),
  };
}

const isExpanded = (text: string, escape: string, line: number): boolean => {
  try {
    return lexWords(text, { escape, valueOf: () => undefined, modern: true }).text !== text;
  } catch (error) {
    if (error instanceof BadWords) throw new Unreadable(line, error.message);
    throw error;
  }
};

function remotesOf({ word, rest, json, line, escape }: Part, dialect: Dialect): readonly Remote[] {
  const words = json ?? plainWords(rest);
  if (words.length < 2) {
    throw new Unreadable(line, `${word.toUpperCase()} has a source and a destination`);
  }
  const isHere = (each: string): boolean => dialect.hereDocuments && isHereDocument(each, dialect);
  if (isHere(words.at(-1) ?? '')) {
    throw new Unreadable(line, `${word.toUpperCase()} has a here-document for its destination`);
  }
  if (word !== 'add') return [];
  return words
    .slice(0, -1)
    .filter((source) => !isHere(source) && isRemote(plainText(source, escape)))
    .map((source) => ({ source, line }));
}

function isHereDocument(word: string, dialect: Dialect): boolean {
  try {
    return parseHereDocument(word, dialect) !== undefined;
  } catch (error) {
    if (error instanceof BadWords) return false;
    throw error;
  }
}

/** Builders resolve quotes and escapes before they look; a variable stays. */
function plainText(source: string, escape: string): string {
  try {
    return lexWords(source, { escape, valueOf: () => undefined, keepsUnset: true, modern: true }).text;
  } catch (error) {
    if (error instanceof BadWords) return source;
    throw error;
  }
}

/** Addresses, and what Git takes for one (`git@host:path`, `github.com/…`). */
const isRemote = (source: string): boolean =>
  /^(?:\$|[a-z][a-z0-9+.-]*:\/\/|[^/\s@]+@[^/\s:]+:|github\.com\/)/i.test(source);
