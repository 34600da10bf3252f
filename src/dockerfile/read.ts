import { dialects } from './dialect.ts';
import type { Dockerfile } from './parse.ts';
import { parseDockerfile } from './parse.ts';
import type { Stage } from './stage.ts';
import { Unreadable, atLine } from './unreadable.ts';

/** Whether the builder of an engine, without `# syntax=`, knows here-documents; `by syntax`: only with it. */
export type HereDocuments = 'known' | 'by syntax' | 'unknown';

/** A Dockerfile, and whether older builders would see another one in it. */
export interface Reading {
  readonly dockerfile: Dockerfile;
  /** What builders without here-documents read: something else, or nothing, from this line on. */
  readonly conflict: { readonly line: number; readonly refused: boolean } | undefined;
}

/**
 * Reads a Dockerfile as current builders do, and as those before them do (decisions: "parsed by the dialect of the engine
 * in use and by current BuildKit").
 * @param file for messages
 * @throws MANIFEST_INVALID, with file and line, for what current builders refuse or what depends on which of them it is
 */
export function readDockerfile(text: string, file: string): Reading {
  return atLine(file, () => {
    const dockerfile = parseDockerfile(text, dialects.current);
    const early = otherwise(dockerfile, text, 'early');
    if (early && !early.refused) {
      throw new Unreadable(early.line, 'builders of different age read it differently', adviceOnAge);
    }
    return { dockerfile, conflict: otherwise(dockerfile, text, 'classic') };
  });
}

/**
 * Decides a conflict by the engine in use: the reading stands where that engine is sure to read the same, or to refuse.
 * @throws MANIFEST_INVALID where it is not
 */
export function settleReading({ dockerfile, conflict }: Reading, engine: HereDocuments, file: string): void {
  if (!conflict) return;
  const knows = hereDocumentsBy(dockerfile, engine);
  if (knows === 'yes' || (knows === 'perhaps' && conflict.refused)) return;
  atLine(file, () => {
    throw new Unreadable(
      conflict.line,
      knows === 'no'
        ? 'the builder of this engine knows no here-documents and reads their lines as instructions'
        : 'builders with and without here-documents read it differently',
      adviceOnHereDocuments,
    );
  });
}

const adviceOnAge = [
  'Write it in a way that has one meaning: plain directives, flags without escapes, no space after <<.',
];
const adviceOnHereDocuments = [
  'Begin the Dockerfile with # syntax=docker/dockerfile:1, or use an engine with current BuildKit (Docker 23 or newer).',
  'Or write it without here-documents.',
];

/** Docker's own frontend, by a tag that has had here-documents ever since: 1.4 and later, 1, latest, labs. */
const capable =
  /^(?:(?:index\.)?docker\.io\/)?docker\/dockerfile(?:-upstream)?(?::(?:latest|labs|master|1(?:\.(?:[4-9]|[1-9]\d+)(?:\.\d+)?)?(?:-labs)?))?$/;

function hereDocumentsBy({ syntax }: Dockerfile, engine: HereDocuments): 'yes' | 'no' | 'perhaps' {
  if (engine === 'unknown') return 'perhaps';
  if (syntax) return capable.test(syntax.image) ? 'yes' : 'perhaps';
  return engine === 'known' ? 'yes' : 'no';
}

/** The first difference of another dialect's reading. */
function otherwise(
  now: Dockerfile,
  text: string,
  name: 'early' | 'classic',
): { line: number; refused: boolean } | undefined {
  let other: Dockerfile;
  try {
    other = parseDockerfile(text, dialects[name]);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    // What has nothing to do with here-documents is the engine's to refuse.
    return now.hereDocuments.length > 0 ? { line: error.line, refused: true } : undefined;
  }
  const [ours, theirs] = [marks(now), marks(other)];
  const at = ours.findIndex((mark, index) => mark[1] !== theirs[index]?.[1]);
  const lines =
    at < 0 ? theirs.slice(ours.length) : [ours[at], theirs[at]].filter((mark) => mark !== undefined);
  return lines.length === 0 ? undefined : { line: Math.min(...lines.map(([line]) => line)), refused: false };
}

/** All that a reading says, in the order of its lines. */
function marks({
  stages,
  globals,
  syntax,
  hereDocuments,
}: Dockerfile): readonly (readonly [number, string])[] {
  const of = ({ line, ...rest }: { readonly line: number }): [number, string] => [
    line,
    JSON.stringify([line, rest]),
  ];
  return [
    ...(syntax ? [of(syntax)] : []),
    ...globals.map(of),
    ...hereDocuments.map(([line, last]) => of({ line: line - 1, ...{ last } })),
    ...stages.flatMap(({ uses, mounts, remotes, onBuild, ...stage }: Stage) =>
      [stage, ...uses, ...mounts, ...remotes, ...onBuild].map(of),
    ),
  ].sort(([one], [other]) => one - other);
}
