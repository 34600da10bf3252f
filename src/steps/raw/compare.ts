/**
 * Compares what a service shows with what is wanted, member by member. Whoever writes a table of rules says of each known
 * member which values are as wanted; a member that is not in the table is a difference, whatever it says: the service may have
 * learnt something that decides what runs. `null` is the same as absent: ARM shows what was not set either way.
 */
export interface Difference {
  /** Path: `properties.inputs.data.uri`. */
  readonly key: string;
  /** undefined: it is not shown, so nobody can tell. */
  readonly there: unknown;
  /** For people. */
  readonly wanted: string;
}

/** What is wrong with a value that is neither absent nor null; and what must be there. */
export interface Rule {
  readonly wanted: string;
  /** It must be shown. */
  readonly needed: boolean;
  readonly judge: (value: unknown, key: string) => readonly Difference[];
}

export type Rules = Readonly<Record<string, Rule>>;

const show = (value: unknown): string => JSON.stringify(value);

/** It must be there, and this. */
export const is = (wanted: unknown, same: (value: unknown) => boolean = (value) => value === wanted): Rule =>
  ruleOf(show(wanted), true, same);

/** It may be absent; if it is there, it must be one of these values. `wanted` is what it stands for, in words. */
export const mayBe = (wanted: string, same: (value: unknown) => boolean): Rule => ruleOf(wanted, false, same);

/** It must not be there. */
export const nothing: Rule = mayBe('nothing', () => false);

/** Text of any sort, or nothing. */
export const anyText: Rule = mayBe('text', (value) => typeof value === 'string');

/** Any object, or nothing: it decides nothing. */
export const anyObject: Rule = mayBe('an object', isObject);

/** It may be absent; if it is there, its members must keep these rules. */
export const mayHave = (rules: Rules): Rule => members(rules, false);

/** It must be there, with members that keep these rules. */
export const has = (rules: Rules): Rule => members(rules, true);

/** One of these words, in any case: .NET services are not careful with it. */
export const oneWord =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && words.some((word) => word.toLowerCase() === value.toLowerCase());

/** Nothing in it: null, the empty text, or objects and lists of nothing. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

/** Every member of the value that keeps no rule, and every rule whose member is wanted and not there. */
export function differences(
  value: Readonly<Record<string, unknown>>,
  rules: Rules,
  prefix = '',
): readonly Difference[] {
  const keyOf = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
  const isSet = (name: string): boolean =>
    Object.hasOwn(value, name) && value[name] !== undefined && value[name] !== null;
  const unset = Object.entries(rules).filter(([name, { needed }]) => needed && !isSet(name));
  return [
    ...unset.map(([name, { wanted }]) => ({ key: keyOf(name), there: undefined, wanted })),
    ...Object.entries(value).flatMap(([name, member]) => {
      if (!isSet(name)) return [];
      const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
      return (rule ?? nothing).judge(member, keyOf(name));
    }),
  ];
}

const longest = 300;
const mostTold = 5;

/** `osType is "Windows" (wanted "Linux"); …`: both values, for the message of a refusal. */
export function tellDifferences(found: readonly Difference[]): string {
  const told = found.slice(0, mostTold).map(({ key, there, wanted }) => {
    const value = there === undefined ? 'is not shown' : `is ${cut(show(there))}`;
    return `${key} ${value} (wanted: ${cut(wanted)})`;
  });
  const more = found.length > mostTold ? [`and ${found.length - mostTold} more`] : [];
  return [...told, ...more].join('; ');
}

const cut = (text: string): string => (text.length <= longest ? text : `${text.slice(0, longest)}…`);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ruleOf(wanted: string, needed: boolean, same: (value: unknown) => boolean): Rule {
  return {
    wanted,
    needed,
    judge: (value, key) => (same(value) ? [] : [{ key, there: value, wanted }]),
  };
}

function members(rules: Rules, needed: boolean): Rule {
  const names = Object.keys(rules);
  return {
    wanted: names.length === 0 ? 'nothing' : `an object of ${names.join(', ')}`,
    needed,
    judge: (value, key) =>
      isObject(value) ? differences(value, rules, key) : [{ key, there: value, wanted: 'an object' }],
  };
}
