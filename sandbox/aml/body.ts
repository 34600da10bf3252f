import { badArgument } from './errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws 400 UserError when it is there and no object; absent or null is `{}`. */
export function objectAt(parent: JsonObject, key: string): JsonObject {
  const value = parent[key];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badArgument(`The field ${key} must be an object.`);
  return value;
}

/** @throws 400 UserError when it is there and no string; absent or null is undefined. */
export function stringAt(parent: JsonObject, key: string): string | undefined {
  const value = parent[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badArgument(`The field ${key} must be a string.`);
  return value;
}

/** @throws 400 UserError when it is missing or no text. */
export function requiredString(parent: JsonObject, key: string): string {
  const value = stringAt(parent, key);
  if (value === undefined || value.trim() === '') throw badArgument(`The ${key} field is required.`);
  return value;
}

/** @throws 400 UserError when it is there and no boolean. */
export function booleanAt(parent: JsonObject, key: string): boolean | undefined {
  const value = parent[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw badArgument(`The field ${key} must be a boolean.`);
  return value;
}

/** A map of strings: tags, properties, environment variables. @throws 400 UserError */
export function stringMapAt(parent: JsonObject, key: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(objectAt(parent, key)).map(([name, value]) => {
      if (typeof value !== 'string') throw badArgument(`The field ${key}.${name} must be a string.`);
      return [name, value];
    }),
  );
}

/** The same, where numbers and booleans are read as their text: azure-ai-ml sends the version of a hash as a number. */
export const textMapAt = (parent: JsonObject, key: string): Readonly<Record<string, string>> =>
  stringMapAt(
    {
      [key]: Object.fromEntries(
        Object.entries(objectAt(parent, key)).map(([name, value]) => [
          name,
          typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
        ]),
      ),
    },
    key,
  );

/** A map of objects: inputs, outputs. Null entries are left out, as the service does. @throws 400 UserError */
export function objectMapAt(parent: JsonObject, key: string): Readonly<Record<string, JsonObject>> {
  const entries = Object.entries(objectAt(parent, key)).filter(([, value]) => value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (!isObject(value)) throw badArgument(`The field ${key}.${name} must be an object.`);
      return [name, value];
    }),
  );
}

/** The `properties` of an ARM body. @throws 400 UserError when there are none */
export function propertiesOf(body: unknown): JsonObject {
  if (!isObject(body) || !isObject(body.properties)) throw badArgument('The properties field is required.');
  return body.properties;
}

/**
 * Members that this sandbox does not know, but those that are null: they may be of a later version of the API, so they are kept
 * and shown as they came.
 */
export function othersOf(properties: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(properties).filter(([key, value]) => value !== null && !known.includes(key)),
  );
}
