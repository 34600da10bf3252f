import type { Analyzer, FileFacts } from './analyzer.ts';
import { fieldOf, textOf } from './analyzer.ts';
import { holdsCredential } from './credentials.ts';

/** As importlib.metadata finds them: the ending in any case, the names of the files in theirs. */
const directory = /\.(?:dist|egg)-info$/i;
const eggInfo = /\.egg\/EGG-INFO$/i;
const egg = /-packages\/[^/]+\.egg$/i;
const metadata = /(?:\.(?:dist|egg)-info\/(?:METADATA|PKG-INFO)|\.egg\/EGG-INFO\/PKG-INFO)$/i;

/**
 * Installed Python distributions: `*.dist-info` and `*.egg-info` with METADATA or PKG-INFO in it, `*.egg-info` as a file,
 * `*.egg/EGG-INFO` (core metadata specification; PEP 376). A directory that is named so is a distribution to Python,
 * whatever is in it.
 */
export const python: Analyzer = {
  id: 'python',
  version: 3,
  wants: (path) =>
    (metadata.test(path) && /(?:METADATA|PKG-INFO)$/.test(path)) || /[^/]\.egg-info$/i.test(path),
  marks(path, kind) {
    if (directory.test(path)) {
      const within = [`${path}/METADATA`, `${path}/PKG-INFO`];
      return { needs: kind === 'directory' || !/\.egg-info$/i.test(path) ? within : [path, ...within] };
    }
    if (eggInfo.test(path)) return { needs: [`${path}/PKG-INFO`] };
    // As a file it is an archive, which `unsupported` names.
    return kind === 'directory' && egg.test(path) ? { needs: [`${path}/EGG-INFO/PKG-INFO`] } : undefined;
  },
  lookups: [],
  extract(path, bytes): FileFacts {
    const fields = parseHeaders(textOf(bytes));
    const first = (name: string): string | undefined => fields.find(([key]) => key === name)?.[1];
    const name = first('name');
    const version = first('version');
    if (name === undefined || version === undefined || !isName(name) || !isVersion(version)) {
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
    const field = fieldOf(line);
    if (field) fields.push(field);
  }
  return fields;
}

/** The SPDX expression where there is one; else the trove classifiers; else the free text, if it is a name and not a text. */
function licensesOf(fields: readonly (readonly [string, string])[]): readonly string[] & string[] {
  const all = (name: string): string[] => fields.filter(([key]) => key === name).map(([, value]) => value);
  const short = (values: string[]): string[] =>
    values.filter(
      (value) => value !== '' && value !== 'UNKNOWN' && value.length <= 100 && !holdsCredential(value),
    );
  const expression = short(all('license-expression'));
  if (expression.length > 0) return expression;
  const classifiers = all('classifier')
    .filter((value) => value.startsWith('License :: '))
    .map((value) => value.split(' :: ').at(-1) ?? '')
    .filter((value) => value !== 'OSI Approved');
  return classifiers.length > 0 ? short(classifiers) : short(all('license'));
}

const isName = (text: string): boolean => /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,213}[A-Za-z0-9])?$/.test(text);
const isVersion = (text: string): boolean => /^\S{1,128}$/.test(text) && !holdsCredential(text);
