import type { Analyzer, FileFacts, FoundPackage } from './analyzer.ts';
import { fieldOf, textOf } from './analyzer.ts';
import { holdsCredential } from './credentials.ts';

const database = 'var/lib/dpkg';
const file = /^(?:status|status\.d\/[^/]+)$/;

/** Debian's package database: `status` (dpkg(1)), and `status.d/*` (images without dpkg, one file per package). */
export const dpkg: Analyzer = {
  id: 'dpkg',
  version: 3,
  wants: (path) => isInDatabase(path) && file.test(within(path)) && !path.endsWith('.md5sums'),
  marks(path) {
    if (!isInDatabase(path))
      return path === database ? { needs: [`${database}/status`, `${database}/status.d/`] } : undefined;
    // Beside each file of `status.d` that names a package stands one with the sums of its files.
    return file.test(within(path)) ? { needs: [path.replace(/\.md5sums$/, '')] } : undefined;
  },
  lookups: [`${database}/status`, `${database}/status.d`],
  extract: (path, bytes) => statusOf(path, textOf(bytes)),
};

const isInDatabase = (path: string): boolean => path.startsWith(`${database}/`);
const within = (path: string): string => path.slice(database.length + 1);

function statusOf(path: string, text: string): FileFacts {
  const packages: FoundPackage[] = [];
  const removed: string[] = [];
  const problems: string[] = [];
  for (const [index, stanza] of text.split(/\n(?:[ \t\r]*\n)+/).entries()) {
    if (stanza.trim() === '') continue;
    const fields = parseStanza(stanza);
    const name = fields.get('package');
    if (name !== undefined && isName(name) && !isOnDisk(fields.get('status'))) {
      removed.push(name);
      continue;
    }
    const found = packageOf(fields);
    if (found) packages.push(found);
    else problems.push(`${path}: ${shownStanza(index, name)} has no valid Package and Version`);
  }
  // `status` may be empty, and is seen for what it is by what lies beside it; a file of `status.d` is about a package.
  if (path.startsWith(`${database}/status.d/`) && packages.length + removed.length + problems.length === 0)
    problems.push(`${path}: names no package`);
  return {
    packages,
    ...(removed.length === 0 ? {} : { removed }),
    ...(problems.length === 0 ? {} : { problems }),
  };
}

/** Not with its text: any field may be a URL. */
const shownStanza = (index: number, name: string | undefined): string =>
  `stanza ${String(index + 1)}${name !== undefined && isName(name) ? ` (${name})` : ''}`;

/** Fields of a control stanza (deb822(5)), names in lower case, continuation lines left out. */
function parseStanza(stanza: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of stanza.split('\n')) {
    const field = fieldOf(line);
    if (field) fields.set(...field);
  }
  return fields;
}

/** By the third word of Status, also when there is none. Half-installed and unconfigured packages have files on disk too. */
function isOnDisk(status: string | undefined): boolean {
  const state = status?.split(/\s+/)[2];
  return state !== 'not-installed' && state !== 'config-files';
}

function packageOf(fields: ReadonlyMap<string, string>): FoundPackage | undefined {
  const name = fields.get('package');
  const version = fields.get('version');
  if (name === undefined || version === undefined || !isName(name) || !isVersion(version)) return undefined;
  const source = sourceOf(fields.get('source'), name, version);
  const arch = fields.get('architecture');
  return {
    type: 'deb',
    name,
    version,
    ...(source === undefined ? {} : { source }),
    ...(arch !== undefined && /^[a-z0-9-]+$/.test(arch) ? { qualifiers: { arch } } : {}),
  };
}

/** `Source: name` or `Source: name (version)`; absent when it is the same as the binary package. */
function sourceOf(field: string | undefined, name: string, version: string): FoundPackage['source'] {
  const match = /^(\S+)(?:\s+\((\S+)\))?$/.exec(field ?? '');
  const sourceName = match?.[1];
  if (sourceName === undefined || !isName(sourceName)) return undefined;
  const sourceVersion = match?.[2] ?? version;
  if (!isVersion(sourceVersion)) return undefined;
  return sourceName === name && sourceVersion === version
    ? undefined
    : { name: sourceName, version: sourceVersion };
}

const isName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9+._-]{0,254}$/.test(text);
const isVersion = (text: string): boolean => /^\S{1,256}$/.test(text) && !holdsCredential(text);
