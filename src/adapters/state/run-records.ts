import path from 'node:path';
import * as z from 'zod';
import { hexOf, isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { sha256 } from '../../domain/sha256.ts';
import { canonicalBytes, canonicalJson } from '../../json/canonical.ts';
import { parseStrictJson } from '../../json/strict.ts';
import type { RunRecord, RunRecords } from '../../ports/run-records.ts';
import { listOwnFiles, readOwnFile, removeFile, writeOwnFile } from './own-files.ts';

const digest = z.string().transform((text, context) => {
  if (isDigest(text)) return text;
  context.addIssue('not a digest');
  return z.NEVER;
});
const texts = z.record(z.string(), z.string());

/** A file that holds more than this is not one of ours. */
const fileSchema = z.strictObject({
  format: z.literal(1),
  workspace: z.string(),
  environment: z.strictObject({ name: z.string(), version: z.string() }),
  image: digest,
  release: digest,
  job: z.strictObject({ name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/), id: z.string() }),
  definition: z.strictObject({
    name: z.string(),
    experiment: z.string(),
    environmentId: z.string(),
    compute: z.string(),
    command: z.string(),
    inputs: z.record(
      z.string(),
      z.strictObject({ type: z.enum(['uri_file', 'uri_folder', 'literal']), value: z.string() }),
    ),
    outputs: z.record(
      z.string(),
      z.strictObject({ type: z.enum(['uri_folder', 'uri_file']), uri: z.string().exactOptional() }),
    ),
    timeoutSeconds: z.number(),
  }),
  /** sha256 of the canonical definition: half a change by hand is seen, and a whole one is the owner's own. */
  definitionDigest: digest,
  state: z.enum(['submitted', 'completed', 'closed']),
  outputs: texts,
  at: z.iso.datetime(),
});

/** Finished runs of one environment in one workspace that are kept, and the last completed one. */
const keptFinished = 50;

/**
 * One small file for each run, in a directory of this user alone. The name is a digest of the job's, which may be longer than a
 * file name. @throws FORBIDDEN, DISK_FULL, USAGE
 */
export function openRunRecords(directory: string): RunRecords {
  const fileOf = (job: string): string => path.join(directory, `${hexOf(sha256(job)).slice(0, 40)}.json`);

  const read = async (file: string): Promise<RunRecord> => {
    const { format, definitionDigest, ...record } = parse(await readOwnFile(file), path.basename(file));
    if (sha256(canonicalJson(record.definition)) !== definitionDigest) throw broken('was changed');
    if (record.definition.name !== record.job.name) throw broken('names two jobs');
    if (fileOf(record.job.name) !== file) throw broken(`is in another's place (format ${format})`);
    return record;
  };

  const readAll = async (): Promise<Awaited<ReturnType<RunRecords['list']>>> => {
    const records: RunRecord[] = [];
    const ignored: string[] = [];
    for (const name of await listOwnFiles(directory)) {
      if (!name.endsWith('.json')) continue;
      try {
        records.push(await read(path.join(directory, name)));
      } catch (error) {
        if (!(error instanceof AmlpromoteError)) throw error;
        ignored.push(`${path.join(directory, name)}: ${error.message}`);
      }
    }
    records.sort((a, b) => (a.at === b.at ? (a.job.name < b.job.name ? 1 : -1) : a.at < b.at ? 1 : -1));
    return { records, ignored };
  };

  const prune = async ({ workspace, environment }: RunRecord): Promise<void> => {
    const { records } = await readAll();
    const finished = records.filter(
      (record) =>
        record.state !== 'submitted' &&
        record.workspace === workspace &&
        record.environment.name === environment.name,
    );
    // Other jobs take its outputs.
    const lastCompleted = finished.find(({ state }) => state === 'completed');
    for (const record of finished.slice(keptFinished)) {
      if (record !== lastCompleted) await removeFile(fileOf(record.job.name));
    }
  };

  return {
    save: async (record) => {
      const definitionDigest = sha256(canonicalJson(record.definition));
      await writeOwnFile(fileOf(record.job.name), canonicalBytes({ format: 1, ...record, definitionDigest }));
      if (record.state !== 'submitted') await prune(record);
    },
    list: async (workspace) => {
      const { records, ignored } = await readAll();
      return { records: records.filter((record) => record.workspace === workspace.toLowerCase()), ignored };
    },
  };
}

function parse(bytes: Uint8Array, where: string): z.infer<typeof fileSchema> {
  const result = fileSchema.safeParse(parseStrictJson(bytes, { where }));
  if (result.success) return result.data;
  throw broken(`is not a run record: ${result.error.issues[0]?.path.join('.') ?? ''}`);
}

const broken = (what: string): AmlpromoteError => new AmlpromoteError('CONTENT_INVALID', `it ${what}`);
