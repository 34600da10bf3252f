import { AmlpromoteError } from '../domain/errors.ts';

/** One attribute of a distinguished name: type by its short name (`CN`, `O`, `ST` …) or OID, value as text. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

const aliases: Readonly<Record<string, string>> = { S: 'ST', EMAIL: 'E' };

/**
 * RFC 4514 text as it stands in a policy: `CN=release,O=Contoso,ST=Tokyo,C=JP`. Backslash escapes; `+` is read like `,`.
 * @throws MANIFEST_INVALID
 */
export function parseName(text: string): readonly NameAttribute[] {
  return split(text).map((part) => {
    const match = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=(.*)$/s.exec(part);
    const type = match?.[1]?.toUpperCase();
    const value = unescape(match?.[2] ?? '');
    if (type === undefined || value === '') {
      throw new AmlpromoteError(
        'MANIFEST_INVALID',
        `subject ${JSON.stringify(text.slice(0, 200))} is not a name`,
        {
          nextSteps: ['Write it as in CN=release,O=Contoso,ST=Tokyo,C=JP.'],
        },
      );
    }
    return { type: aliases[type] ?? type, value };
  });
}

/** At every `,` or `+` that no backslash precedes; empty parts stay, to be refused. */
function split(text: string): readonly string[] {
  const parts = [''];
  for (const [token] of text.matchAll(/\\.|[^\\]|\\/gs)) {
    if (token === ',' || token === '+') parts.push('');
    else parts.push(`${parts.pop() ?? ''}${token}`);
  }
  return parts;
}

const unescape = (text: string): string =>
  text
    .trim()
    .replace(/\\([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\(.)/gs, '$1');

/** Every attribute of `required` is in `name`, spelt the same; `name` may have more. An empty requirement matches nothing. */
export const includesName = (name: readonly NameAttribute[], required: readonly NameAttribute[]): boolean =>
  required.length > 0 &&
  required.every(({ type, value }) => name.some((one) => one.type === type && one.value === value));

export const formatName = (name: readonly NameAttribute[]): string =>
  name.map(({ type, value }) => `${type}=${value.replace(/[,+\\"]/g, '\\$&')}`).join(',');
