import { AmlpromoteError } from '../domain/errors.ts';

/** One attribute of a distinguished name: type by its short name (`CN`, `O`, `ST` …) or OID, value as text. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/**
 * RFC 4514 text as it stands in a policy: `CN=release,O=Contoso,ST=Tokyo,C=JP`, read as notation reads the subject of a trusted
 * identity: `S` means `ST`, each type once, no multi-valued parts (`+`), no hexadecimal values (`#…`), types in capitals.
 * @throws MANIFEST_INVALID
 */
export function parseName(text: string): readonly NameAttribute[] {
  const name = splitUnescaped(text, ',').map((part) => {
    if (splitUnescaped(part, '+').length > 1) throw notAName(text, 'a part has several values (+)');
    const match = /^ *([A-Z][A-Z0-9-]*|\d+(?:\.\d+)+) *=(.*)$/su.exec(part);
    const [, type, value] = match ?? [];
    if (type === undefined || value === undefined)
      throw notAName(text, `${JSON.stringify(part)} is not TYPE=value`);
    return { type: type === 'S' ? 'ST' : type, value: unescape(value, text) };
  });
  const twice = name.find(({ type }, index) => name.findIndex((one) => one.type === type) !== index);
  if (twice) throw notAName(text, `${twice.type} stands there twice`);
  return name;
}

/** At every `separator` that no backslash precedes; empty parts stay, to be refused. */
function splitUnescaped(text: string, separator: string): readonly string[] {
  const parts = [''];
  for (const [token] of text.matchAll(/\\.|[^\\]|\\/gsu)) {
    if (token === separator) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${token}`);
  }
  return parts;
}

/** RFC 4514 §3: `\\,` and the like, and pairs of hex digits, which are octets of UTF-8; blanks around the value do not count. */
function unescape(written: string, text: string): string {
  const tokens = [...written.matchAll(/\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|./gsu)];
  const isBlank = (token: RegExpExecArray): boolean => token[0] === ' ';
  const from = tokens.findIndex((token) => !isBlank(token));
  const value = from < 0 ? [] : tokens.slice(from, tokens.findLastIndex((token) => !isBlank(token)) + 1);
  if (value.length === 0) throw notAName(text, 'a value is empty');
  if (value[0]?.[0] === '#') throw notAName(text, 'hexadecimal values (#…) are not supported');
  const octets = value.map(([token, pair, special]) => {
    if (pair !== undefined) return Buffer.from(pair, 'hex');
    if (special !== undefined) return Buffer.from(special);
    if (token === '\\' || token === ';' || token === '\0')
      throw notAName(text, `${JSON.stringify(token)} must be escaped`);
    return Buffer.from(token);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets));
  } catch {
    throw notAName(text, 'the escaped octets are not UTF-8');
  }
}

const notAName = (text: string, why: string): AmlpromoteError =>
  new AmlpromoteError(
    'MANIFEST_INVALID',
    `subject ${JSON.stringify(text.slice(0, 200))} is not a name: ${why}`,
    { nextSteps: ['Write it as in CN=release,O=Contoso,ST=Tokyo,C=JP: each type once, in capitals.'] },
  );

/**
 * Exactly one attribute of each required type, spelt the same (Notary Project trust-store-trust-policy.md, "Trusted
 * Identities Constraints"): of `O=Evil` and `O=Contoso` nobody can say which one was meant. Other types may be there. An empty
 * requirement matches nothing.
 */
export const includesName = (name: readonly NameAttribute[], required: readonly NameAttribute[]): boolean =>
  required.length > 0 &&
  required.every(({ type, value }) => {
    const [only, ...more] = name.filter((one) => one.type === type);
    return only?.value === value && more.length === 0;
  });

/**
 * What keeps notation from trusting a certificate by its subject, whatever the policy names: it reads only subjects in which
 * each type occurs once, whose types have a short name, and which say who (`O`) is where (`ST`, `C`).
 */
export function subjectProblems(subject: readonly NameAttribute[]): string[] {
  const types = subject.map(({ type }) => type);
  const problems = ['C', 'ST', 'O']
    .filter((type) => !subject.some((one) => one.type === type && one.value !== ''))
    .map((type) => `its subject has no ${type}`);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined) problems.push(`its subject has ${twice} twice`);
  const unnamed = types.find((type) => /^\d/.test(type));
  if (unnamed !== undefined) problems.push(`its subject has an attribute of type ${unnamed}`);
  if (subject.some(({ value }) => value.includes('=#'))) problems.push('its subject holds "=#"');
  return problems;
}

/** RFC 4514 §2.4. */
export const formatName = (name: readonly NameAttribute[]): string =>
  name
    .map(
      ({ type, value }) =>
        `${type}=${value.replace(/^[ #]|[,+"\\<>;]| $/g, '\\$&').replaceAll('\0', '\\00')}`,
    )
    .join(',');
