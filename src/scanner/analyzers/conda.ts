import * as z from 'zod';
import { parseStrictJson } from '../../json/strict.ts';
import type { Analyzer, FileFacts, FoundPackage } from './analyzer.ts';
import { channelName, holdsCredential } from './credentials.ts';

/** `conda-meta/*.json` of an environment: the package's record and the list of its files. Only what is used is looked at. */
const recordSchema = z.object({
  name: z.string().regex(/^[a-z0-9_.-]{1,128}$/i),
  version: z
    .string()
    .regex(/^\S{1,128}$/)
    .refine((text) => !holdsCredential(text)),
  build: z.string().max(256).optional(),
  channel: z.string().max(512).optional(),
  subdir: z.string().max(64).optional(),
  license: z.string().max(200).nullish(),
  files: z.array(z.string()).optional(),
  purls: z.array(z.string()).nullish(),
});
type CondaRecord = z.infer<typeof recordSchema>;

export const conda: Analyzer = {
  id: 'conda',
  version: 3,
  wants: (path) => isRecord(path),
  marks: (path) => (isRecord(path) && !isState(path) ? { needs: [path] } : undefined),
  lookups: [],
  extract(path, bytes): FileFacts {
    const record = parseRecord(path, bytes);
    if (!record) return isState(path) ? {} : { problems: [`${path}: not a conda package record`] };
    const pypi = pypiOf(record);
    return {
      packages: [
        {
          type: 'conda',
          name: record.name,
          version: record.version,
          qualifiers: qualifiersOf(record),
          ...(pypi.length === 0 ? {} : { pypi }),
          ...(record.license && !holdsCredential(record.license) ? { licenses: [record.license] } : {}),
        },
      ],
    };
  },
};

const isRecord = (path: string): boolean => path.endsWith('.json') && /(?:^|\/)conda-meta\/[^/]+$/.test(path);

/**
 * Tells what lies in the package caches (`pkgs/`) of conda installations from what is installed: conda unpacks there and links
 * into an environment; nothing is imported from there.
 * @param paths of what was read in an image: an installation is known by its `conda-meta`
 */
export function condaCaches(paths: readonly string[]): (path: string) => boolean {
  const caches = new Set(
    paths.flatMap((path) => {
      const [, prefix] = /^(.*\/)?conda-meta\/[^/]+$/.exec(path) ?? [];
      return prefix === undefined ? [] : [`${prefix}pkgs/`];
    }),
  );
  return (path) => [...caches].some((cache) => path.startsWith(cache) && path.indexOf('/', cache.length) > 0);
}

/** Settings of the environment. conda would take it for a package if it were one. */
const isState = (path: string): boolean => path.endsWith('/state.json');

function parseRecord(path: string, bytes: Uint8Array): CondaRecord | undefined {
  try {
    return recordSchema.parse(parseStrictJson(bytes, { where: path, maxBytes: bytes.byteLength }));
  } catch {
    return undefined;
  }
}

/** The package says so itself (`purls`), or it carries the metadata of Python distributions. */
function pypiOf(record: CondaRecord): NonNullable<FoundPackage['pypi']> {
  const found = new Map<string, { name: string; version: string }>();
  for (const purl of record.purls ?? []) {
    const match = /^pkg:pypi\/([a-z0-9._-]+)@([^?#@]+)/i.exec(purl);
    const [, name, version] = match ?? [];
    const plain = decodeSafely(version ?? '');
    if (name !== undefined && /^[^\s/]{1,128}$/.test(plain)) found.set(name, { name, version: plain });
  }
  if (found.size > 0) return [...found.values()];
  for (const file of record.files ?? []) {
    const match =
      /(?:^|\/)site-packages\/([A-Za-z0-9._]+)-([^/-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info(?:\/|$)/.exec(file);
    const [, name, version] = match ?? [];
    if (name !== undefined && version !== undefined) found.set(`${name}@${version}`, { name, version });
  }
  return [...found.values()];
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function qualifiersOf({ build, channel, subdir }: CondaRecord): Record<string, string> {
  const isPlain = (text: string): boolean => /^[\w.+!-]+$/.test(text);
  const name = channelName(channel ?? '', subdir);
  return {
    ...(build !== undefined && isPlain(build) ? { build } : {}),
    ...(name === undefined ? {} : { channel: name }),
    ...(subdir !== undefined && isPlain(subdir) ? { subdir } : {}),
  };
}
