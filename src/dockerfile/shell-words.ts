import { isSpace } from './go-text.ts';

export interface WordOptions {
  readonly escape: string;
  readonly valueOf: (name: string) => string | undefined;
  /** A variable without a value stays as it is written. */
  readonly keepsUnset?: boolean;
  readonly keepsQuotes?: boolean;
  readonly keepsEscapes?: boolean;
  /** `${V-x}`, `${V+x}` and the forms that cut or replace; and `<<` with its name in one word. */
  readonly modern: boolean;
}

/** The text cannot be taken apart: an open quote, a bad `${…}`. */
export class BadWords extends Error {}

/** Deeper than anybody writes; builders go on, so nothing may be concluded from it. */
export class TooDeep extends BadWords {}

const maxDepth = 100;

/**
 * Takes a text apart as BuildKit's shell lexer does (`frontend/dockerfile/shell`): quotes, escapes, variables; words at
 * white space outside quotes. As there, a `${V:-…}` makes current builders forget the beginning of the word it stands in.
 * @throws BadWords
 */
export function lexWords(source: string, options: WordOptions): { text: string; words: readonly string[] } {
  const { escape, modern } = options;
  const characters = Array.from(source);
  // The scanner passes over a byte order mark at the very beginning.
  let at = characters[0] === '\uFEFF' ? 1 : 0;
  let keepsEscapes = options.keepsEscapes === true;
  const shared = { word: '' };
  let depth = 0;

  const peek = (): string | undefined => characters[at];
  const next = (): string | undefined => characters[at++];

  function until(stop: string | undefined, rawEscapes: boolean): { text: string; words: readonly string[] } {
    depth += 1;
    if (depth > maxDepth) throw new TooDeep(`more than ${maxDepth} \${…} stand in one another`);
    const outer = keepsEscapes;
    keepsEscapes = rawEscapes;
    const buffer = modern ? shared : { word: '' };
    buffer.word = '';
    const words: string[] = [];
    let inWord = false;
    let closed = stop === undefined;
    let text = '';
    const addRaw = (part: string): void => {
      buffer.word += part;
      inWord = true;
    };
    const add = (character: string): void => {
      if (!isSpace(character)) addRaw(character);
      else if (inWord && buffer.word !== '') {
        words.push(buffer.word);
        buffer.word = '';
        inWord = false;
      }
    };
    for (let character = peek(); character !== undefined; character = peek()) {
      if (character === stop) {
        next();
        closed = true;
        break;
      }
      if (character === "'" || character === '"' || (modern && character === '<')) {
        const part = character === '<' ? arrows() : character === '"' ? doubleQuoted() : singleQuoted();
        text += part;
        addRaw(part);
      } else if (character === '$') {
        const part = variable();
        text += part;
        for (const each of part) add(each);
      } else {
        next();
        if (character === escape) {
          if (keepsEscapes) {
            addRaw(character);
            text += character;
          }
          const escaped = next();
          if (escaped === undefined) break;
          addRaw(escaped);
          text += escaped;
        } else {
          add(character);
          text += character;
        }
      }
    }
    if (!closed) throw new BadWords(`there is no ${stop ?? ''} that ends a \${`);
    keepsEscapes = outer;
    depth -= 1;
    if (buffer.word !== '') words.push(buffer.word);
    buffer.word = '';
    return { text, words };
  }

  function singleQuoted(): string {
    const end = characters.indexOf("'", at + 1);
    if (end < 0) throw new BadWords('a single quote is left open');
    const inner = characters.slice(at + 1, end).join('');
    at = end + 1;
    return options.keepsQuotes === true ? `'${inner}'` : inner;
  }

  function doubleQuoted(): string {
    next();
    let text = '';
    for (;;) {
      const character = peek();
      if (character === undefined) throw new BadWords('a double quote is left open');
      if (character === '$') {
        text += variable();
        continue;
      }
      next();
      if (character === '"') return options.keepsQuotes === true ? `"${text}"` : text;
      const following = peek();
      if (character !== escape) text += character;
      else if (following === '"' || following === '$' || following === escape) {
        text += (keepsEscapes ? escape : '') + following;
        next();
      } else if (following !== undefined) {
        text += escape;
      }
    }
  }

  function arrows(): string {
    next();
    if (peek() !== '<') return '<';
    next();
    let text = '<<';
    for (let blank = peek(); blank === '\t' || blank === '\r' || blank === ' '; blank = peek()) {
      text += blank;
      next();
    }
    return text;
  }

  function variable(): string {
    next();
    if (peek() !== '{') {
      const name = nameHere();
      if (name === '') return '$';
      return options.valueOf(name) ?? (options.keepsUnset === true ? `$${name}` : '');
    }
    next();
    const first = peek();
    if (first === undefined || first === '{' || first === '}' || first === ':') {
      throw new BadWords('a bad ${…}');
    }
    const name = nameHere();
    const value = options.valueOf(name);
    const unset = options.keepsUnset === true && value === undefined;
    let operator = next();
    if (operator === '}') return unset ? `\${${name}}` : (value ?? '');
    const colon = operator === ':';
    if (colon) operator = next();
    if (operator === undefined) throw new BadWords('a ${ without }');
    if (modern && !colon && operator === '/') return replaced(name, unset);
    const cuts = modern && !colon && (operator === '#' || operator === '%');
    if (!cuts && !(operator === '?' || ((colon || modern) && (operator === '-' || operator === '+')))) {
      throw new BadWords(`\${${name}${colon ? ':' : ''}${operator}…} is not understood`);
    }
    const { text } = until('}', cuts);
    if (unset) return `\${${name}${colon ? ':' : ''}${operator}${text}}`;
    if (cuts) throw onlyNewer(name, operator);
    const empty = value === undefined || (colon && value === '');
    if (operator === '+') return empty ? '' : text;
    if (!empty) return value;
    if (operator === '-') return text;
    throw new BadWords(`${name}: ${text === '' ? 'has no value' : text}`);
  }

  function replaced(name: string, unset: boolean): string {
    if (peek() === '/') next();
    const { text: pattern } = until('/', true);
    const { text: other } = until('}', true);
    if (unset) return `\${${name}/${pattern}/${other}}`;
    throw onlyNewer(name, '/');
  }

  /** A name, a number, or one special parameter (POSIX shell, 2.5.2). */
  function nameHere(): string {
    const from = at;
    if (/^[@*#?$!-]$/.test(peek() ?? '')) next();
    else {
      const inside = /^\p{Nd}$/u.test(peek() ?? '') ? /^\p{Nd}$/u : /^[\p{L}\p{Nd}_]$/u;
      while (inside.test(peek() ?? '')) next();
    }
    return characters.slice(from, at).join('');
  }

  return until(undefined, keepsEscapes);
}

const onlyNewer = (name: string, operator: string): BadWords =>
  new BadWords(`\${${name}${operator}…} is understood by newer builders only`);
