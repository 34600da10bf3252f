import { AmlpromoteError } from '../domain/errors.ts';
import { refuseCaseFolded } from './strict.ts';

/**
 * What a member decodes into: a Go `string`, `int64`, `bool`, `[]string`, `map[string]string`, `map[string]struct{}`; an
 * object whose keys a specification fixes; a list of such objects.
 */
export type Shape =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'texts'
  | 'textMap'
  | 'set'
  | ObjectShape
  | { readonly listOf: ObjectShape };

/** Members by name. Unknown ones may be there and are anything; known ones under another spelling may not. */
export interface ObjectShape {
  readonly members: Readonly<Record<string, Shape>>;
}

/**
 * Refuses what Go's decoder would refuse, or take for a known member. `null` is what Go writes and reads for "none", so it is
 * fine for every member.
 * @throws CONTENT_INVALID
 */
export function checkShape(
  value: unknown,
  shape: ObjectShape,
  where: string,
): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw invalid(where, 'expected an object');
  refuseCaseFolded(value, Object.keys(shape.members), where);
  for (const [name, member] of Object.entries(shape.members)) {
    const found = value[name];
    if (found !== undefined && found !== null) checkMember(found, member, `${where}: ${name}`);
  }
  return value;
}

function checkMember(value: unknown, shape: Shape, where: string): void {
  if (typeof shape === 'string') {
    const { holds, wanted } = simple[shape];
    if (!holds(value)) throw invalid(where, `expected ${wanted}`);
  } else if ('listOf' in shape) {
    if (!Array.isArray(value)) throw invalid(where, 'expected a list');
    value.forEach((item, index) => checkShape(item, shape.listOf, `${where}[${String(index)}]`));
  } else checkShape(value, shape, where);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): boolean => typeof value === 'string';

const simple: Readonly<
  Record<Extract<Shape, string>, { readonly holds: (value: unknown) => boolean; readonly wanted: string }>
> = {
  text: { holds: isText, wanted: 'a string' },
  integer: { holds: Number.isSafeInteger, wanted: 'a whole number' },
  boolean: { holds: (value) => typeof value === 'boolean', wanted: 'true or false' },
  texts: { holds: (value) => Array.isArray(value) && value.every(isText), wanted: 'a list of strings' },
  textMap: {
    holds: (value) => isObject(value) && Object.values(value).every((one) => one === null || isText(one)),
    wanted: 'an object of strings',
  },
  set: {
    holds: (value) => isObject(value) && Object.values(value).every((one) => one === null || isObject(one)),
    wanted: 'an object of empty objects',
  },
};

const invalid = (where: string, why: string): AmlpromoteError =>
  new AmlpromoteError('CONTENT_INVALID', `${where}: ${why}`);
