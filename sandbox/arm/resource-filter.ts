import { azureError } from '../http.ts';
import type { CatalogueEntry } from './catalogue.ts';

type Test = (entry: CatalogueEntry) => boolean;

const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

const groupOf = ({ id }: CatalogueEntry): string | undefined => id.split('/')[4];

const properties: Readonly<Record<string, (entry: CatalogueEntry) => string | undefined>> = {
  resourcetype: ({ type }) => type,
  name: ({ name }) => name,
  location: ({ location }) => location,
  resourcegroup: groupOf,
};

/**
 * `$filter` of Resources - List: `eq` over resourceType, name, location, resourceGroup, and over tagName with tagValue,
 * joined by `and`. @throws ResponseError 400 for anything else, as the service does for what it does not support
 */
export function resourceFilter(text: string | null): Test {
  if (text === null || text.trim() === '') return () => true;
  const tests: Test[] = [];
  let tag: string | undefined;
  for (const part of text.trim().split(/\sand\s/i)) {
    const [, name = '', quoted = ''] = /^(\w+)\s+eq\s+'((?:[^']|'')*)'$/i.exec(part.trim()) ?? [];
    const value = quoted.replaceAll("''", "'");
    const property = properties[name.toLowerCase()];
    if (property) tests.push((entry) => same(property(entry), value));
    else if (name.toLowerCase() === 'tagname') {
      tag = value;
      tests.push(({ tags }) => tags?.[value] !== undefined);
    } else if (name.toLowerCase() === 'tagvalue' && tag !== undefined) {
      const key = tag;
      tests.push(({ tags }) => tags?.[key] === value);
    } else
      throw azureError(
        400,
        'InvalidFilterInQueryString',
        `Invalid $filter '${text.slice(0, 200)}' specified in the query string.`,
      );
  }
  return (entry) => tests.every((test) => test(entry));
}
