import type { Dialect } from './dialect.ts';
import { DirectiveReader } from './directives.ts';
import { flagEscape, takeFlags } from './flags.ts';
import { blanks, isTooLong, lower, maxLineBytes, trim, trimReturns, trimStart } from './go-text.ts';
import type { HereDocument } from './here-documents.ts';
import { hereDocumentsOf } from './here-documents.ts';
import { BadWords } from './shell-words.ts';
import { Unreadable } from './unreadable.ts';
import { jsonWords } from './words.ts';

/** One instruction, its continued lines joined, its here-documents behind it. */
export interface Instruction {
  /** Lower-case. */
  readonly word: string;
  readonly flags: readonly string[];
  /** What follows the flags. */
  readonly rest: string;
  /** As JSON, for the instructions that have that form and are in it. */
  readonly json: readonly string[] | undefined;
  readonly hereDocuments: readonly HereDocument[];
  /** All of it, without here-documents. */
  readonly text: string;
  /** First and last line, counted from 1. */
  readonly line: number;
  readonly lastLine: number;
  readonly escape: string;
}

const withHereDocuments = new Set(['add', 'copy', 'run']);
const withJson = new Set(['add', 'copy', 'run', 'cmd', 'entrypoint', 'shell', 'volume']);

/**
 * Parts a Dockerfile into instructions as BuildKit does (`frontend/dockerfile/parser`): directives, comments, continued
 * lines, here-documents.
 * @throws Unreadable
 */
export function* instructionsOf(text: string, dialect: Dialect): Generator<Instruction> {
  const lines = physicalLines(text);
  const directives = new DirectiveReader(dialect);
  let escape = '\\';
  let at = 0;

  const next = (): string | undefined => {
    const line = lines[at];
    if (line === undefined) return undefined;
    at += 1;
    if (isTooLong(line)) throw new Unreadable(at, `it has more than ${maxLineBytes} bytes`);
    return line;
  };

  for (let raw = next(); raw !== undefined; raw = next()) {
    const first = trimStart(ending(raw, dialect));
    const directive = directives.read(first, at);
    if (directive?.[0] === 'escape') escape = escapeOf(directive[1], at);
    const start = at;
    let { joined, open } = continued(first.startsWith('#') ? '' : first, escape);
    if (!open && joined === '') continue;
    while (open) {
      const following = next();
      if (following === undefined) break;
      const line = ending(following, dialect);
      const content = trimStart(line);
      if (content === '' || content.startsWith('#')) continue;
      const part = continued(line, escape);
      joined += part.joined;
      open = part.open;
    }
    const head = splitLine(joined, escape, dialect, start);
    const hereDocuments = dialect.hereDocuments ? openedBy(head, joined, escape, dialect, start) : [];
    for (const { name, dash } of hereDocuments) {
      for (;;) {
        const following = next();
        if (following === undefined) {
          throw new Unreadable(start, `the here-document ${name} has no end (unterminated heredoc)`);
        }
        const line = trimReturns(following);
        if ((dash ? line.replace(/^\t+/, '') : line) === name) break;
      }
    }
    yield { ...head, hereDocuments, text: joined, line: start, lastLine: at, escape };
  }
}

type Head = Pick<Instruction, 'word' | 'flags' | 'rest' | 'json'>;

/** One line: word, flags, the rest. Also for what stands behind `ONBUILD`. */
export function splitLine(text: string, escape: string, dialect: Dialect, line: number): Head {
  const whole = trim(text);
  const gap = blanks.exec(whole);
  const word = lower(gap ? whole.slice(0, gap.index) : whole);
  const after = gap ? whole.slice(gap.index + gap[0].length) : '';
  const { flags, rest: untrimmed } = takeFlags(after, flagEscape(escape, dialect), line);
  const rest = trim(untrimmed);
  return { word, flags, rest, json: withJson.has(word) ? jsonWords(rest, dialect, line) : undefined };
}

/** `ONBUILD` may have in front what opens them. */
function openedBy(
  head: Head,
  text: string,
  escape: string,
  dialect: Dialect,
  line: number,
): readonly HereDocument[] {
  const owner =
    head.word === 'onbuild' && head.rest !== '' ? splitLine(head.rest, escape, dialect, line) : head;
  if (!withHereDocuments.has(owner.word) || owner.json) return [];
  try {
    return hereDocumentsOf(text, dialect);
  } catch (error) {
    if (error instanceof BadWords)
      throw new Unreadable(line, `a here-document's name cannot be read: ${error.message}`);
    throw error;
  }
}

function physicalLines(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function ending(line: string, dialect: Dialect): string {
  return dialect.trimsReturns ? trimReturns(line) : line.replace(/\r$/, '');
}

function escapeOf(value: string, line: number): string {
  if (value === '\\' || value === '`') return value;
  throw new Unreadable(line, 'the directive escape is \\ or `');
}

/** Takes the escape character off the end of a line that goes on; two of them are no continuation. */
function continued(line: string, escape: string): { joined: string; open: boolean } {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1;
  const open = line[end - 1] === escape && line[end - 2] !== escape;
  return open ? { joined: line.slice(0, end - 1), open } : { joined: line, open };
}
