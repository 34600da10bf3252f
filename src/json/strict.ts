import { AmlpromoteError } from '../domain/errors.ts';

export interface StrictJsonOptions {
  /** What is parsed, for the message: "manifest sha256:…", "release.json". */
  readonly where: string;
  /** Bytes; default 4 MiB. */
  readonly maxBytes?: number;
  /** Nesting of objects and arrays; default 64. */
  readonly maxDepth?: number;
}

/**
 * The one parser for JSON from outside. Refuses what other parsers read differently (threat 5): duplicate keys, invalid
 * UTF-8, a byte order mark, lone surrogates in keys, excessive size or depth. Returns plain data with `__proto__` as an
 * ordinary own key refused.
 * @throws CONTENT_INVALID
 */
export function parseStrictJson(input: Uint8Array | string, options: StrictJsonOptions): unknown {
  const { where, maxBytes = 4 * 1024 * 1024, maxDepth = 64 } = options;
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (size > maxBytes) throw invalid(where, `larger than ${String(maxBytes)} bytes`);
  const text = typeof input === 'string' ? input : decodeUtf8(input, where);
  // The walk comes before JSON.parse: it caps the depth without recursion and finds duplicate keys.
  walk(text, where, maxDepth);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid(where, 'not valid JSON', cause);
  }
}

/**
 * For formats whose keys a specification fixes but which may grow (OCI manifests): a key that differs from a known one
 * only by case would be taken for it by Go's decoder, so it is refused.
 * @throws CONTENT_INVALID
 */
export function refuseCaseFolded(value: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const twin = known.find((name) => name.toLowerCase() === key.toLowerCase());
    if (twin !== undefined) throw invalid(where, `key ${JSON.stringify(key)} is a misspelling of "${twin}"`);
  }
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(where, 'not valid UTF-8', cause);
  }
}

/** Looks at strings and brackets only; JSON.parse judges the grammar afterwards. */
function walk(text: string, where: string, maxDepth: number): void {
  const stack: (Set<string> | null)[] = [];
  const stringPattern = /"(?:[^"\\]|\\.)*"/gsy;
  let index = 0;
  while (index < text.length) {
    const char = text[index];
    if (char === '{' || char === '[') {
      if (stack.length >= maxDepth) throw invalid(where, `nested deeper than ${String(maxDepth)}`);
      stack.push(char === '{' ? new Set() : null);
    } else if (char === '}' || char === ']') {
      stack.pop();
    } else if (char === '"') {
      stringPattern.lastIndex = index;
      const match = stringPattern.exec(text);
      if (!match) throw invalid(where, 'unterminated string');
      index = stringPattern.lastIndex;
      const keys = stack.at(-1);
      if (keys && isFollowedByColon(text, index)) addKey(match[0], keys, where);
      continue;
    }
    index += 1;
  }
}

function addKey(literal: string, keys: Set<string>, where: string): void {
  let key: string;
  try {
    key = JSON.parse(literal) as string;
  } catch (cause) {
    throw invalid(where, 'not valid JSON', cause);
  }
  if (keys.has(key)) throw invalid(where, `duplicate key ${JSON.stringify(key)}`);
  if (key === '__proto__') throw invalid(where, 'key "__proto__" is not allowed');
  if (!key.isWellFormed()) throw invalid(where, 'a key is not well-formed Unicode');
  keys.add(key);
}

const invalid = (where: string, why: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`, cause === undefined ? {} : { cause });

function isFollowedByColon(text: string, from: number): boolean {
  let index = from;
  while (index < text.length && ' \t\r\n'.includes(text.charAt(index))) index += 1;
  return text[index] === ':';
}
