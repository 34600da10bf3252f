import { join } from 'node:path';
import * as z from 'zod';
import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { sha256 } from '../../domain/sha256.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { WalkCacheOptions } from '../../oci/walk/walk.ts';
import { advisoryName } from '../ecosystems.ts';
import type { DatabaseFiles } from './directory.ts';
import { databaseRecords } from './directory.ts';
import type { Slice, SliceReader } from './index-file.ts';
import { SliceWriter, openSlices } from './index-file.ts';
import type { Advisory, ParsedRecord } from './record.ts';
import { advisorySchema, parseRecord } from './record.ts';

/** Raised whenever the index would come out otherwise. */
const format = 1;
const maxExamples = 5;

const slice = z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]);
const tableSchema = z.object({
  newest: z.string().optional(),
  /** ecosystem → package → where its advisories are. As pairs: package names are no safe object keys. */
  packages: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.array(slice)]))])),
  /** record id → CVSS vectors, for records that have some. */
  vectors: z.array(z.tuple([z.string(), z.array(z.string())])),
  unreadable: z.object({ count: z.number(), examples: z.array(z.string()) }),
});
type Table = z.infer<typeof tableSchema>;

/** An advisory database, indexed. */
export interface Advisories {
  /** Newest `modified` of any record. */
  readonly newest?: string;
  /** Ecosystems with at least one record, as the records spell them: `Debian:11`, `PyPI`. */
  readonly ecosystems: readonly string[];
  /** Records that could not be understood: part of the database was not looked at. */
  readonly unreadable: { readonly count: number; readonly examples: readonly string[] };
  /** Whether the database says anything about an ecosystem. Records for `Debian` hold for every release. */
  covers(ecosystem: string): boolean;
  /** Advisories of a package, newest form of each, withdrawn ones left out. */
  lookup(ecosystem: string, name: string): Promise<readonly Advisory[]>;
  vectorsOf(id: string): readonly string[];
  close(): Promise<void>;
}

/**
 * Reads the index of a database from the cache, where this machine has sealed it, or makes it: once per content of the
 * database.
 * @throws CONTENT_INVALID for a damaged archive; DISK_FULL and the like are no reason to fail: the index stays in memory then
 */
export async function openAdvisories(database: DatabaseFiles, cache?: WalkCacheOptions): Promise<Advisories> {
  const key = hexOf(sha256(`${String(format)} ${database.digest}`)).slice(0, 16);
  const path = cache && join(cache.directory, `advisories-${key}.idx`);
  const sealing = cache && { seal: cache.seal, parts: [String(format), database.digest] };
  const stored = path === undefined || !sealing ? undefined : await openSlices(path, sealing);
  const table = tableSchema.safeParse(stored?.table);
  if (stored && table.success) return advisoriesOf(stored, table.data, path);
  await stored?.close();

  const writer = new SliceWriter();
  const made = await buildTable(database, writer);
  if (path !== undefined && sealing) await writer.save(path, made, sealing).catch(() => undefined);
  return advisoriesOf(writer.reader(made), made, path);
}

async function buildTable(database: DatabaseFiles, writer: SliceWriter): Promise<Table> {
  const packages = new Map<string, Map<string, Slice[]>>();
  const vectors = new Map<string, readonly string[]>();
  const unreadable: { count: number; examples: string[] } = { count: 0, examples: [] };
  let newest: string | undefined;
  for await (const { where, bytes } of databaseRecords(database)) {
    const record = tryParse(bytes, where);
    if (!record) {
      unreadable.count += 1;
      if (unreadable.examples.length < maxExamples) unreadable.examples.push(where);
      continue;
    }
    if (newest === undefined || Date.parse(record.modified) > Date.parse(newest)) newest = record.modified;
    if (record.vectors.length > 0) vectors.set(record.id, record.vectors);
    for (const { ecosystem, name, advisory } of record.affects) {
      const names = packages.get(ecosystem) ?? new Map<string, Slice[]>();
      packages.set(ecosystem, names);
      names.set(name, [...(names.get(name) ?? []), writer.append(JSON.stringify(advisory))]);
    }
  }
  return {
    ...(newest === undefined ? {} : { newest }),
    packages: [...packages].map(([ecosystem, names]) => [
      ecosystem,
      [...names].map(([name, at]) => [name, at.map(([a, b]) => [a, b])]),
    ]),
    vectors: [...vectors].map(([id, list]) => [id, [...list]]),
    unreadable,
  };
}

function tryParse(bytes: Uint8Array, where: string): ParsedRecord | undefined {
  try {
    return parseRecord(parseStrictJson(bytes, { where, maxBytes: bytes.byteLength }));
  } catch {
    return undefined;
  }
}

function advisoriesOf(slices: SliceReader, table: Table, path: string | undefined): Advisories {
  const packages = new Map(table.packages.map(([ecosystem, names]) => [ecosystem, new Map(names)]));
  const vectors = new Map(table.vectors);
  /** `Debian:12` and, for records that hold for every release, `Debian`. */
  const namesOf = (ecosystem: string): readonly string[] => [
    ...new Set([ecosystem, ecosystem.split(':')[0] ?? ecosystem]),
  ];
  return {
    ...(table.newest === undefined ? {} : { newest: table.newest }),
    ecosystems: [...packages.keys()].sort(),
    unreadable: table.unreadable,
    covers: (ecosystem) => namesOf(ecosystem).some((name) => packages.has(name)),
    async lookup(ecosystem, name) {
      const at = namesOf(ecosystem).flatMap(
        (known) => packages.get(known)?.get(advisoryName(ecosystem, name)) ?? [],
      );
      const found = await Promise.all(at.map(async (one) => readAdvisory(slices, one, path)));
      return newestOfEach(found).filter((advisory) => !advisory.withdrawn);
    },
    vectorsOf: (id) => vectors.get(id) ?? [],
    close: async () => slices.close(),
  };
}

async function readAdvisory(slices: SliceReader, at: Slice, path: string | undefined): Promise<Advisory> {
  try {
    return advisorySchema.parse(JSON.parse(await slices.read(at)));
  } catch (cause) {
    throw new AmlpromoteError('STORE_CORRUPT', `the advisory index ${path ?? 'in memory'} is damaged`, {
      nextSteps: ['Delete that file: it is made again from the database.'],
      cause,
    });
  }
}

/** A record may come twice (all.zip and unpacked), and say several things about one package: only older forms go. */
function newestOfEach(advisories: readonly Advisory[]): readonly Advisory[] {
  const newest = new Map<string, number>();
  for (const { id, modified } of advisories)
    newest.set(id, Math.max(newest.get(id) ?? 0, Date.parse(modified)));
  return advisories.filter(({ id, modified }) => Date.parse(modified) === newest.get(id));
}
