import type { Analyzer, FileFacts } from './analyzer.ts';
import { textOf } from './analyzer.ts';

/**
 * Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info` as directory or as file, `*.egg/EGG-INFO`
 * (core metadata specification; PEP 376).
 */
export const python: Analyzer = {
  id: 'python',
  version: 1,
  wants: (path) =>
    /(?:\.dist-info\/METADATA|\.egg-info\/PKG-INFO|\.egg\/EGG-INFO\/PKG-INFO|[^/]\.egg-info)$/.test(path),
  lookups: [],
  extract(path, bytes): FileFacts {
    const fields = parseHeaders(textOf(bytes));
    const first = (name: string): string | undefined => fields.find(([key]) => key === name)?.[1];
    const name = first('name');
    const version = first('version');
    if (name === undefined || version === undefined || !isName(name) || !/^\S{1,128}$/.test(version)) {
      return { problems: [`${path}: no valid Name and Version`] };
    }
    const licenses = licensesOf(fields);
    return { packages: [{ type: 'pypi', name, version, ...(licenses.length === 0 ? {} : { licenses }) }] };
  },
};

/** The header block of a core metadata file, names in lower case. The description that follows does not matter. */
function parseHeaders(text: string): readonly (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') break;
    const match = /^([A-Za-z][A-Za-z-]*):[ \t]*(.*?)\s*$/.exec(line);
    const [, name, value] = match ?? [];
    if (name !== undefined && value !== undefined) fields.push([name.toLowerCase(), value]);
  }
  return fields;
}

/** The SPDX expression where there is one; else the trove classifiers; else the free text, if it is a name and not a text. */
function licensesOf(fields: readonly (readonly [string, string])[]): readonly string[] & string[] {
  const all = (name: string): string[] => fields.filter(([key]) => key === name).map(([, value]) => value);
  const short = (values: string[]): string[] =>
    values.filter((value) => value !== '' && value !== 'UNKNOWN' && value.length <= 100);
  const expression = short(all('license-expression'));
  if (expression.length > 0) return expression;
  const classifiers = all('classifier')
    .filter((value) => value.startsWith('License :: '))
    .map((value) => value.split(' :: ').at(-1) ?? '')
    .filter((value) => value !== 'OSI Approved');
  return classifiers.length > 0 ? short(classifiers) : short(all('license'));
}

const isName = (text: string): boolean => /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,213}[A-Za-z0-9])?$/.test(text);
