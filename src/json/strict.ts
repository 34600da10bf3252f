import { AmlpromoteError } from '../domain/errors.ts';
import { misspelt } from './go-names.ts';

export interface StrictJsonOptions {
  /** What is parsed, for the message: "manifest sha256:…", "release.json". */
  readonly where: string;
  /** Bytes; default 4 MiB. */
  readonly maxBytes?: number;
  /** Nesting of objects and arrays; default 64. */
  readonly maxDepth?: number;
  /**
   * `integers` for documents whose specification knows no other numbers (OCI): `9.55e2`, `2.0` and `-0` are numbers here and an
   * error, or another number, to a program that decodes into an integer.
   */
  readonly numbers?: 'integers';
}

/**
 * The one parser for JSON from outside. Refuses what other parsers read differently (threat 5): duplicate keys, invalid
 * UTF-8, a byte order mark, lone surrogates (Go reads U+FFFD for them), excessive size or depth. Returns plain data with
 * `__proto__` as an ordinary own key refused.
 * @throws CONTENT_INVALID
 */
export function parseStrictJson(input: Uint8Array | string, options: StrictJsonOptions): unknown {
  const { where, maxBytes = 4 * 1024 * 1024, maxDepth = 64 } = options;
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (size > maxBytes) throw invalid(where, `larger than ${String(maxBytes)} bytes`);
  const text = typeof input === 'string' ? input : decodeUtf8(input, where);
  if (!text.isWellFormed()) throw invalid(where, 'not well-formed Unicode');
  // The walk comes before JSON.parse: it caps the depth without recursion, finds duplicate keys and sees how numbers are written.
  walk(text, { where, maxDepth, numbers: options.numbers });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid(where, 'not valid JSON', cause);
  }
}

/**
 * For objects whose keys a specification fixes but which may grow (OCI manifests): a key that Go's decoder takes for a known
 * one, although it is spelt otherwise, is refused, alone or beside the right one. Maps whose keys are free (labels,
 * annotations) are not for this.
 * @throws CONTENT_INVALID
 */
export function refuseCaseFolded(value: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(value)) {
    const twin = misspelt(key, known);
    if (twin !== undefined)
      throw invalid(
        where,
        `key ${inAscii(key)} is a misspelling of "${twin}", which other programs take for it`,
      );
  }
}

/** The Kelvin sign looks like a K: shown as an escape. */
const inAscii = (text: string): string =>
  JSON.stringify(text.slice(0, maxShown)).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(where, 'not valid UTF-8', cause);
  }
}

/** Characters of a foreign key in a message of ours. */
const maxShown = 100;

interface WalkOptions {
  readonly where: string;
  readonly maxDepth: number;
  readonly numbers: 'integers' | undefined;
}

/** Looks at strings, numbers and brackets only; JSON.parse judges the grammar afterwards. */
function walk(text: string, { where, maxDepth, numbers }: WalkOptions): void {
  const stack: (Set<string> | null)[] = [];
  const numberPattern = /-?\d[\d.eE+-]*/gy;
  let lastKey = '';
  let index = 0;
  while (index < text.length) {
    const char = text.charAt(index);
    if (char === '{' || char === '[') {
      if (stack.length >= maxDepth) throw invalid(where, `nested deeper than ${String(maxDepth)}`);
      stack.push(char === '{' ? new Set() : null);
    } else if (char === '}' || char === ']') {
      stack.pop();
    } else if (char === '"') {
      const end = endOfString(text, index);
      if (end === undefined) throw invalid(where, 'unterminated string');
      const literal = text.slice(index, end);
      index = end;
      const keys = stack.at(-1);
      if (keys && isFollowedByColon(text, index)) lastKey = addKey(literal, keys, where);
      else checkString(literal, where);
      continue;
    } else if (numbers === 'integers' && isNumeric(char)) {
      numberPattern.lastIndex = index;
      const literal = numberPattern.exec(text)?.[0];
      if (literal !== undefined) {
        checkInteger(literal, where, lastKey);
        index = numberPattern.lastIndex;
        continue;
      }
    }
    index += 1;
  }
}

/**
 * Where the string that begins at `start` has ended; undefined when it does not. Not a pattern: `(?:[^"\\]|\\.)*` takes a place on
 * the stack for each character, and 8 MiB of them are too many. Each backslash is looked at once, so the cost is linear.
 */
function endOfString(text: string, start: number): number | undefined {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
  return undefined;
}

const isNumeric = (char: string): boolean => char === '-' || (char >= '0' && char <= '9');

/** Threat 19: what a program that decodes into an integer cannot read, or reads as another one. */
function checkInteger(literal: string, where: string, key: string): void {
  if (/^-?(?:0|[1-9]\d*)$/.test(literal) && literal !== '-0' && Number.isSafeInteger(Number(literal))) return;
  const found = `${key === '' ? '' : `${JSON.stringify(key.slice(0, maxShown))} is `}${literal.slice(0, 40)}`;
  throw invalid(where, `${found}: expected a whole number within ±(2^53-1), written as one`);
}

/** Raw text is well-formed already: only an escape can stand for half a character. */
function checkString(literal: string, where: string): void {
  if (/\\u[dD][89a-fA-F]/.test(literal) && !textOf(literal, where).isWellFormed())
    throw invalid(where, 'a string is not well-formed Unicode');
}

function textOf(literal: string, where: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch (cause) {
    throw invalid(where, 'not valid JSON', cause);
  }
}

function addKey(literal: string, keys: Set<string>, where: string): string {
  const key = textOf(literal, where);
  if (keys.has(key)) throw invalid(where, `duplicate key ${JSON.stringify(key.slice(0, maxShown))}`);
  if (key === '__proto__') throw invalid(where, 'key "__proto__" is not allowed');
  if (!key.isWellFormed()) throw invalid(where, 'a key is not well-formed Unicode');
  keys.add(key);
  return key;
}

const invalid = (where: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`, cause === undefined ? {} : { cause });

function isFollowedByColon(text: string, from: number): boolean {
  let index = from;
  while (index < text.length && ' \t\r\n'.includes(text.charAt(index))) index += 1;
  return text[index] === ':';
}
