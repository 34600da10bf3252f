import { lower } from './go-text.ts';
import { BadWords, lexWords } from './shell-words.ts';
import { Unreadable } from './unreadable.ts';

/** One `RUN --mount`. */
export interface Mount {
  /** Lower-case; `bind` where none is written. */
  readonly type: string;
  /** Image or stage that it mounts from. */
  readonly from: string | undefined;
  readonly line: number;
}

/**
 * The value of `--mount`: fields of a CSV line, the last of a kind counts (`instructions/commands_runmount.go`).
 * @throws Unreadable where type or source is a variable, which only the build knows
 */
export function parseMount(value: string, escape: string, line: number): Mount {
  let type = 'bind';
  let from: string | undefined;
  for (const field of fieldsOf(value, line)) {
    const at = field.indexOf('=');
    if (at < 0) continue;
    const key = lower(field.slice(0, at));
    const text = field.slice(at + 1);
    if (key === 'from') {
      const dollar = text.indexOf('$');
      if (dollar >= 0 && dollar < text.length - 1) throw variable(line, '--mount=from');
      from = text === '' ? undefined : text;
    } else if (key === 'type') {
      if (text.includes('$')) throw variable(line, '--mount=type');
      type = lower(unquoted(text, escape, line));
    }
  }
  return { type, from, line };
}

/** Variables have no place here: builders refuse them, or know them only when they build. */
export const variable = (line: number, where: string): Unreadable =>
  new Unreadable(line, `${where} takes no variable`, [
    'Name the image in a stage of its own (FROM … AS name, where ARGs may be used), and use the name of that stage.',
  ]);

/** Builders see the value with quotes and escapes resolved. */
function unquoted(text: string, escape: string, line: number): string {
  try {
    return lexWords(text, { escape, valueOf: () => undefined, keepsUnset: true, modern: true }).text;
  } catch (error) {
    if (error instanceof BadWords) throw new Unreadable(line, error.message);
    throw error;
  }
}

function fieldsOf(value: string, line: number): readonly string[] {
  const fields: string[] = [];
  let rest = value;
  for (;;) {
    const [all, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(rest) ?? [];
    if (all === undefined || value === '') throw new Unreadable(line, '--mount is no list of key=value');
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (all.length === rest.length) return fields;
    rest = rest.slice(all.length + 1);
  }
}
