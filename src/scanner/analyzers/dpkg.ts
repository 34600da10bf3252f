import type { Analyzer, FileFacts, FoundPackage } from './analyzer.ts';
import { textOf } from './analyzer.ts';

const database = 'var/lib/dpkg';

/**
 * Debian's package database: `status` (dpkg(1)), `status.d/*` (images without dpkg, one file per package), and of
 * `info/*.list` what tells which Python metadata came with a Debian package.
 */
export const dpkg: Analyzer = {
  id: 'dpkg',
  version: 1,
  wants: (path) =>
    path.startsWith(`${database}/`) &&
    /^(?:status|status\.d\/[^/]+|info\/[^/]+\.list)$/.test(path.slice(database.length + 1)),
  lookups: [`${database}/status`, `${database}/status.d`],
  extract(path, bytes): FileFacts {
    if (path.endsWith('.list')) return ownsOf(path, textOf(bytes));
    if (path.endsWith('.md5sums')) return {};
    return statusOf(path, textOf(bytes));
  },
};

function ownsOf(path: string, text: string): FileFacts {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.list'.length).replace(/:[a-z0-9-]+$/, '');
  const paths = text
    .split('\n')
    .filter((line) => /\.(?:egg|dist)-info$/.test(line))
    .map((line) => line.replace(/^\/+/, ''));
  return paths.length === 0 ? {} : { owns: { package: name, paths } };
}

function statusOf(path: string, text: string): FileFacts {
  const packages: FoundPackage[] = [];
  const problems: string[] = [];
  for (const stanza of text.split(/\n[ \t]*\n/)) {
    const fields = parseStanza(stanza);
    if (fields.size === 0 || !isOnDisk(fields.get('status'))) continue;
    const found = packageOf(fields);
    if (found) packages.push(found);
    else
      problems.push(
        `${path}: a stanza without a valid Package and Version (${JSON.stringify(stanza.slice(0, 60))})`,
      );
  }
  return { packages, ...(problems.length === 0 ? {} : { problems }) };
}

/** Fields of a control stanza (deb822(5)), names in lower case, continuation lines left out. */
function parseStanza(stanza: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*?)\s*$/.exec(line);
    const [, name, value] = match ?? [];
    if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value);
  }
  return fields;
}

/** The third word of Status. Half-installed and unconfigured packages have their files on disk too. */
function isOnDisk(status: string | undefined): boolean {
  const state = status?.split(/\s+/)[2];
  return state !== 'not-installed' && state !== 'config-files';
}

function packageOf(fields: ReadonlyMap<string, string>): FoundPackage | undefined {
  const name = fields.get('package');
  const version = fields.get('version');
  if (name === undefined || version === undefined || !isName(name) || !/^\S{1,256}$/.test(version))
    return undefined;
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
  return sourceName === name && sourceVersion === version
    ? undefined
    : { name: sourceName, version: sourceVersion };
}

const isName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9+._-]{0,254}$/.test(text);
