import type * as z from 'zod';
import { suggest } from './suggest.ts';
import type { KeyPath, Problem } from './problem.ts';
import { dotted } from './problem.ts';
import type { YamlSource } from './yaml.ts';

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What the schema library found, in words and with a place in the file. */
export function problemsOf(
  issues: readonly Issue[],
  source: YamlSource,
  schema: () => JsonSchema,
): readonly Problem[] {
  let shape: JsonSchema | undefined;
  const keysAt = (path: KeyPath): readonly string[] => knownKeys((shape ??= schema()), path);
  return issues.flatMap((issue) => problemsOfIssue(issue, [], source, keysAt));
}

function problemsOfIssue(
  issue: Issue,
  parent: KeyPath,
  source: YamlSource,
  keysAt: (path: KeyPath) => readonly string[],
): readonly Problem[] {
  const path = [...parent, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  const name = dotted(path);
  const at = (message: string): readonly Problem[] => [
    { offset: source.valueAt(path), message: name ? `${name}: ${message}` : message },
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        offset: source.keyAt(path, key),
        message: unknownKey(key, name, keysAt(path)),
      }));
    case 'invalid_union': {
      const branch = issue.errors.find((errors) => !errors.some(isWrongShape)) ?? issue.errors[0] ?? [];
      if (branch.length === 0) return at(unionMessage(issue));
      return branch.flatMap((inner) => problemsOfIssue(inner, path, source, keysAt));
    }
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        offset: source.keyAt(path.slice(0, -1), String(path.at(-1))),
        message: `${name}: the key ${inner.message}`,
      }));
    case 'invalid_type':
      return at(
        typeMessage(
          issue.expected,
          isPresent(source.data, path),
          valueOf(source.data, path),
          source.writtenAt(path),
        ),
      );
    case 'invalid_value':
      return at(
        isPresent(source.data, path) ? optionMessage(issue, valueOf(source.data, path)) : 'is missing',
      );
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return at(issue.message);
  }
}

const isWrongShape = (issue: Issue): boolean => issue.path.length === 0 && issue.code === 'invalid_type';

function unknownKey(key: string, parent: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  const where = parent ? ` in ${parent}` : '';
  if (meant) return `unknown key "${key}"${where}; did you mean "${meant}"?`;
  return `unknown key "${key}"${where}${known.length > 0 ? `; known are ${known.join(', ')}` : ''}`;
}

function unionMessage(issue: z.core.$ZodIssueInvalidUnion): string {
  const key = issue.discriminator;
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  return key ? `${key} must be one of ${options.join(', ')}` : issue.message;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function typeMessage(
  expected: string,
  present: boolean,
  value: unknown,
  written: string | undefined,
): string {
  const wanted = typeNames[expected] ?? expected;
  if (!present) return 'is missing';
  if (value === null) return `is empty; expected ${wanted}`;
  if (expected === 'string' && written !== undefined)
    return `expected text, but YAML reads ${written} as ${nameOf(value)}; quote it: "${written}"`;
  return `expected ${wanted}, got ${nameOf(value)}`;
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string'
    ? `the text "${value.slice(0, 80)}"`
    : `the ${typeof value} ${JSON.stringify(value)}`;
}

function optionMessage(issue: z.core.$ZodIssueInvalidValue, value: unknown): string {
  // A schema may say more than "not one of": its own words win.
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  const options = issue.values.map(String);
  const meant = typeof value === 'string' ? suggest(value, options) : undefined;
  const list =
    options.length === 1 ? `expected "${options.join('')}"` : `expected one of ${options.join(', ')}`;
  return `${list}, got ${nameOf(value)}${meant && options.length > 1 ? `; did you mean "${meant}"?` : ''}`;
}

function valueOf(data: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
    data,
  );
}

function isPresent(data: unknown, path: KeyPath): boolean {
  return valueOf(data, path) !== undefined;
}

/** Keys that the published JSON Schema knows at a path, over all alternatives. */
function knownKeys(root: JsonSchema, path: KeyPath): readonly string[] {
  const step = (schemas: readonly JsonSchema[], key: string | number): readonly JsonSchema[] =>
    schemas.flatMap((schema) => {
      const { properties, additionalProperties, items } = schema;
      const child = typeof key === 'number' ? items : (properties?.[key] ?? additionalProperties);
      return isSchema(child) ? alternatives(child) : [];
    });
  const found = path.reduce<readonly JsonSchema[]>(step, alternatives(root));
  return [...new Set(found.flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const alternatives = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
    .filter(isSchema)
    .flatMap((inner) => alternatives(inner)),
];
