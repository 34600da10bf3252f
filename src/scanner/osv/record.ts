import * as z from 'zod';
import { advisoryName } from '../ecosystems.ts';

const text = z.string();
const texts = z.array(text).nullish();
const severity = z.array(z.object({ type: text, score: text })).nullish();
const specific = z.record(text, z.unknown()).nullish();
const event = z.object({
  introduced: text.optional(),
  fixed: text.optional(),
  last_affected: text.optional(),
  limit: text.optional(),
});

/** OSV schema 1.x, the part that is used. Fields that it does not know are ignored: the schema grows. */
const recordSchema = z.object({
  id: text.regex(/^[\x21-\x7e]{1,200}$/),
  modified: z.iso.datetime({ offset: true }),
  withdrawn: text.nullish(),
  aliases: texts,
  upstream: texts,
  summary: text.nullish(),
  details: text.nullish(),
  severity,
  database_specific: specific,
  affected: z
    .array(
      z.object({
        package: z.object({ ecosystem: text, name: text }).nullish(),
        ranges: z.array(z.object({ type: text, events: z.array(event) })).nullish(),
        versions: texts,
        severity,
        ecosystem_specific: specific,
        database_specific: specific,
      }),
    )
    .nullish(),
});
type OsvRecord = z.infer<typeof recordSchema>;

/** What one record says about one package, as kept in the index. */
export const advisorySchema = z.object({
  id: text,
  modified: text,
  withdrawn: z.boolean(),
  /** Other ids of the same vulnerability. */
  aliases: z.array(text),
  /** Vulnerabilities that the record deals with; several for one update (DSA). */
  upstream: z.array(text),
  summary: text,
  /** CVSS vectors. */
  vectors: z.array(text),
  /** `low`, `medium` … as the ecosystem or the database says, where it does. */
  urgency: text.optional(),
  versions: z.array(text),
  /** Events of the ranges that count versions; commit ranges (GIT) are left out. */
  ranges: z.array(z.array(event)),
});
export type Advisory = z.infer<typeof advisorySchema>;
export type RangeEvent = z.infer<typeof event>;

export interface ParsedRecord {
  readonly id: string;
  readonly modified: string;
  readonly vectors: readonly string[];
  readonly affects: readonly {
    readonly ecosystem: string;
    readonly name: string;
    readonly advisory: Advisory;
  }[];
}

/** `json` comes from the strict parser. @throws ZodError */
export function parseRecord(json: unknown): ParsedRecord {
  const record = recordSchema.parse(json);
  const own = vectorsOf(record.severity);
  const affected = (record.affected ?? []).flatMap((item) =>
    item.package ? [{ ...item, package: item.package }] : [],
  );
  return {
    id: record.id,
    modified: record.modified,
    vectors: [...own, ...affected.flatMap((item) => vectorsOf(item.severity))],
    affects: affected.map((item) => {
      const { ecosystem, name } = item.package;
      const vectors = vectorsOf(item.severity);
      const urgency =
        urgencyOf(item.ecosystem_specific) ??
        urgencyOf(item.database_specific) ??
        urgencyOf(record.database_specific);
      const advisory: Advisory = {
        id: record.id,
        modified: record.modified,
        withdrawn: typeof record.withdrawn === 'string',
        aliases: record.aliases ?? [],
        upstream: record.upstream ?? [],
        summary: summaryOf(record),
        vectors: vectors.length > 0 ? vectors : own,
        ...(urgency === undefined ? {} : { urgency }),
        versions: item.versions ?? [],
        ranges: (item.ranges ?? []).filter(({ type }) => type !== 'GIT').map(({ events }) => events),
      };
      return { ecosystem, name: advisoryName(ecosystem, name), advisory };
    }),
  };
}

const vectorsOf = (list: OsvRecord['severity']): string[] =>
  (list ?? []).filter(({ type }) => type.startsWith('CVSS_')).map(({ score }) => score);

/** Debian says `urgency`, GitHub and others say `severity`. */
function urgencyOf(specificFields: Record<string, unknown> | null | undefined): string | undefined {
  const value = specificFields?.urgency ?? specificFields?.severity;
  return typeof value === 'string' && value.length <= 64 ? value.toLowerCase() : undefined;
}

/** One line of at most 240 characters. */
function summaryOf({ summary, details }: OsvRecord): string {
  const line = (summary ?? details ?? '').trim().split('\n')[0] ?? '';
  return line.length <= 240 ? line : `${line.slice(0, 239)}…`;
}
