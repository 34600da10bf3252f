import type { CharacterSet } from './character-sets.ts';
import { controls, isWord, not, perlClasses, posixClasses } from './character-sets.ts';

/** No expression, or one with parts that ignore files have no use for. */
export class BadExpression extends Error {}

/** Matching takes time in proportion to text and expression, whatever they are: both are foreign. */
type Item =
  | { readonly kind: 'one' | 'many'; readonly set: CharacterSet }
  /** `(.*\/)?` */
  | { readonly kind: 'folders' }
  | { readonly kind: 'assertion'; readonly holds: (before: string, after: string) => boolean };

const start: Item = { kind: 'assertion', holds: (before) => before === '' };
const end: Item = { kind: 'assertion', holds: (_before, after) => after === '' };
const boundary = (before: string, after: string): boolean => isWord(before) !== isWord(after);
const anything: CharacterSet = (character) => character !== '\n';
const is =
  (wanted: string): CharacterSet =>
  (character) =>
    character === wanted;

const folders = '(.*/)?';

/**
 * The regular expressions that Docker makes of the lines of an ignore file, in Go's syntax (RE2), as far as they can occur.
 * They stand between `^` and `$`.
 * @returns whether a text matches
 * @throws BadExpression
 */
export function compileExpression(source: string): (text: string) => boolean {
  const characters = Array.from(source);
  const items: Item[] = [];
  let at = 0;
  while (at < characters.length) {
    const character = characters[at] ?? '';
    if (characters.slice(at, at + folders.length).join('') === folders) {
      items.push({ kind: 'folders' });
      at += folders.length;
      continue;
    }
    at += 1;
    if (character === '|' || isRepetition(characters, at - 1)) {
      throw new BadExpression(`${character} does not stand for itself beside wildcards`);
    }
    if (character === '^') items.push(start);
    else if (character === '\\') items.push(escaped(characters[at++]));
    else {
      let set = character === '.' ? anything : is(character);
      if (character === '[') ({ set, at } = parseClass(characters, at));
      const many = characters[at] === '*';
      if (many) at += 1;
      items.push({ kind: many ? 'many' : 'one', set });
    }
  }
  return (text) => matches(items, Array.from(text));
}

/** `{2}`, `{2,}`, `{2,3}`; other braces stand for themselves. */
const isRepetition = (characters: readonly string[], at: number): boolean =>
  characters[at] === '{' && /^\{\d+(?:,\d*)?\}/.test(characters.slice(at, at + 64).join(''));

function escaped(character: string | undefined): Item {
  const set = perlClasses.get(character ?? '');
  if (set) return { kind: 'one', set };
  if (character === 'A') return start;
  if (character === 'z') return end;
  if (character === 'b') return { kind: 'assertion', holds: boundary };
  if (character === 'B') return { kind: 'assertion', holds: (before, after) => !boundary(before, after) };
  return { kind: 'one', set: is(literal(character)) };
}

function literal(character: string | undefined): string {
  const control = controls.get(character ?? '');
  if (control !== undefined) return control;
  if (character === undefined || character > '\x7f' || /^[0-9A-Za-z]/.test(character)) {
    throw new BadExpression(`\\${character ?? ''} has no sure meaning`);
  }
  return character;
}

/** After the opening bracket (RE2 syntax, "Character classes"). */
function parseClass(characters: readonly string[], from: number): { set: CharacterSet; at: number } {
  let at = from;
  const negated = characters[at] === '^';
  if (negated) at += 1;
  const sets: CharacterSet[] = [];
  const one = (): string => {
    const character = characters[at++];
    if (character === undefined) throw new BadExpression('a [ without ]');
    return character === '\\' ? literal(characters[at++]) : character;
  };
  for (let first = true; first || characters[at] !== ']'; first = false) {
    const named = /^\[:(\^?)([a-z]*):\]/.exec(characters.slice(at, at + 12).join(''));
    const perl = characters[at] === '\\' ? perlClasses.get(characters[at + 1] ?? '') : undefined;
    if (named) {
      const set = posixClasses.get(named[2] ?? '');
      if (!set) throw new BadExpression(`${named[0]} is no class of characters`);
      sets.push(named[1] === '^' ? not(set) : set);
      at += named[0].length;
    } else if (perl) {
      sets.push(perl);
      at += 2;
    } else {
      const low = one();
      if (characters[at] !== '-' || characters[at + 1] === undefined || characters[at + 1] === ']') {
        sets.push(is(low));
        continue;
      }
      at += 1;
      sets.push(between(low, one()));
    }
  }
  const set: CharacterSet = (character) => sets.some((each) => each(character)) !== negated;
  return { set, at: at + 1 };
}

function between(low: string, high: string): CharacterSet {
  const [from = 0, to = 0] = [low.codePointAt(0), high.codePointAt(0)];
  if (from > to) throw new BadExpression(`${low}-${high} is no range`);
  return (character) => {
    const point = character.codePointAt(0) ?? -1;
    return point >= from && point <= to;
  };
}

/** All places in the expression that the text read so far can have led to; two for each item, the second inside of it. */
function matches(items: readonly Item[], text: readonly string[]): boolean {
  let places = new Set([0]);
  for (let at = 0; ; at += 1) {
    const [before, character] = [text[at - 1] ?? '', text[at] ?? ''];
    // A set is walked in order of insertion, also over what is added on the way.
    for (const place of places) {
      const item = items[place / 2];
      if (item && (item.kind === 'many' || item.kind === 'folders')) places.add(place + 2);
      if (item?.kind === 'folders') places.add(place + 1);
      if (item?.kind === 'assertion' && item.holds(before, character)) places.add(place + 2);
    }
    if (at >= text.length) return places.has(items.length * 2);
    if (places.size === 0) return false;
    places = step(items, places, character);
  }
}

function step(items: readonly Item[], places: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    if (place % 2 === 1) {
      if (anything(character)) next.add(place);
      if (character === '/') next.add(place + 1);
      continue;
    }
    const item = items[place / 2];
    if (item?.kind === 'one' && item.set(character)) next.add(place + 2);
    if (item?.kind === 'many' && item.set(character)) next.add(place);
  }
  return next;
}
