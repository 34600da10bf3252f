import nodePath from 'node:path';
import type * as z from 'zod';
import { AmlpromoteError } from '../domain/errors.ts';
import { readInput, whyUnreadable } from '../files/read-input.ts';
import { systemCode } from '../files/system-code.ts';
import type { FileCheck } from './files.ts';
import { problemOfFile } from './files.ts';
import { formatProblems } from './frame.ts';
import { problemsOf } from './issues.ts';
import type { ResolvePath } from './schema/fields.ts';
import type { KeyPath, Problem } from './problem.ts';
import { dotted } from './problem.ts';
import { notAFile, wrongKind } from './wrong-file.ts';
import type { FileKind } from './wrong-file.ts';
import { readYaml } from './yaml.ts';

const maxBytes = 1024 * 1024;

export interface ManifestKind<Schema extends z.ZodType> {
  readonly kind: 'Image' | 'Zones' | 'Policy';
  /** Paths in the file are relative to its directory. */
  readonly schema: (resolve: ResolvePath) => Schema;
  /** Files that must be there. */
  readonly files?: (value: z.output<Schema>) => readonly FileCheck[];
  /** What is well formed, and cannot be meant. */
  readonly unmeant?: (
    value: z.output<Schema>,
  ) => readonly { readonly at: KeyPath; readonly problem: string }[];
}

/**
 * Reads, parses and validates one manifest.
 * @throws MANIFEST_INVALID with every problem at `file:line:column` and the line itself
 */
export async function loadManifest<Schema extends z.ZodType>(
  file: string,
  kind: ManifestKind<Schema>,
): Promise<{ value: z.output<Schema>; path: string }> {
  const path = nodePath.resolve(file);
  const text = await readText(file, kind.kind);
  const fail = (problems: readonly Problem[]) => invalid(file, text, kind.kind, problems);

  const source = await readYaml(text);
  // Before anything of it is shown: another file may be a key.
  const other = wrongKind(text, kind.kind);
  if (other) {
    const { message, nextStep, isManifest } = other;
    const place = { offset: source.valueAt(['kind']), message };
    const told = isManifest ? formatProblems(file, text, [place]) : `${file}: ${message}`;
    throw new AmlpromoteError('MANIFEST_INVALID', told, { nextSteps: [nextStep] });
  }
  if (!source.readable) throw fail(source.problems);

  const directory = nodePath.dirname(path);
  const schema = kind.schema((written) => nodePath.resolve(directory, written));
  const parsed = schema.safeParse(source.data);
  if (!parsed.success) {
    const { toJSONSchema } = await import('zod');
    const found = problemsOf(parsed.error.issues, source, () => toJSONSchema(schema, { io: 'input' }));
    // What YAML refused (an alias, say) reads as a missing value: one problem, not two.
    const places = new Set(source.problems.map(({ offset }) => offset));
    throw fail([...source.problems, ...found.filter(({ offset }) => !places.has(offset))]);
  }
  if (source.problems.length > 0) throw fail(source.problems);
  const missing: Problem[] = [];
  for (const check of kind.files?.(parsed.data) ?? []) {
    const problem = await problemOfFile(check);
    if (problem)
      missing.push({ offset: source.valueAt(check.at), message: `${dotted(check.at)}: ${problem}` });
  }
  for (const { at, problem } of kind.unmeant?.(parsed.data) ?? [])
    missing.push({ offset: source.valueAt(at), message: `${dotted(at)}: ${problem}` });
  if (missing.length > 0) throw fail(missing);
  return { value: parsed.data, path };
}

async function readText(file: string, kind: FileKind): Promise<string> {
  const bytes = await readCapped(file, kind);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: not valid UTF-8`, { cause });
  }
}

async function readCapped(file: string, kind: FileKind): Promise<Uint8Array> {
  try {
    return await readInput(file, maxBytes);
  } catch (cause) {
    const meant = systemCode(cause) === 'ENOENT' ? notAFile(file, kind) : undefined;
    if (meant) throw meant;
    throw new AmlpromoteError('MANIFEST_INVALID', `${file}: ${whyUnreadable(cause)}`, {
      nextSteps: [
        `Check the path of the ${kind} manifest${kind === 'Zones' ? ' (--zones, AMLPROMOTE_ZONES)' : ''}; \`amlpromote init\` writes starter manifests.`,
        ...(kind === 'Image' && systemCode(cause) === 'EISDIR'
          ? [
              'A build context or an OCI layout is named in an image manifest: source: { build: { context: ./DIR } }, or source: { image: "oci:./DIR@sha256:…" }.',
            ]
          : []),
      ],
      cause,
    });
  }
}

const invalid = (file: string, text: string, kind: string, problems: readonly Problem[]): AmlpromoteError =>
  new AmlpromoteError('MANIFEST_INVALID', formatProblems(file, text, problems), {
    nextSteps: [
      `Correct ${file}; the fields are described in manifests/schema/${kind.toLowerCase()}.schema.json.`,
    ],
  });
