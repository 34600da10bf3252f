/** An image or a stage that an instruction takes files from. */
export interface Use {
  /** As written: variables not replaced. */
  readonly reference: string;
  readonly by: 'copy' | 'mount';
  /** Counted from 1. */
  readonly line: number;
}

/** One `RUN --mount`. */
export interface Mount {
  /** Lower-case; `bind` where none is written. */
  readonly type: string;
  readonly line: number;
}

/** One stage of a Dockerfile: from one `FROM` to the next. */
export interface Stage {
  /** As written: variables not replaced. */
  readonly from: string;
  /** `AS name`, lower-case. */
  readonly name: string | undefined;
  /** What `COPY --from` and `RUN --mount=…,from=` name. */
  readonly uses: readonly Use[];
  readonly mounts: readonly Mount[];
  /** Names that its `ARG`s declare. */
  readonly args: readonly string[];
  /** What `ONBUILD` leaves to whoever builds on the stage. */
  readonly onBuild: readonly { readonly text: string; readonly line: number }[];
}

export interface Dockerfile {
  readonly stages: readonly Stage[];
  /** `ARG`s before the first `FROM`: these, and no others, can be used in a `FROM`. */
  readonly globalArgs: ReadonlyMap<string, string | undefined>;
  /** `# syntax=…`: the image that BuildKit reads the Dockerfile with. */
  readonly syntax: string | undefined;
  /** Something that only BuildKit understands. */
  readonly needsBuildKit: boolean;
}

/** A stage that is still being read. */
interface OpenStage {
  readonly uses: Use[];
  readonly mounts: Mount[];
  readonly args: string[];
  readonly onBuild: { readonly text: string; readonly line: number }[];
}

interface Instruction {
  readonly word: string;
  readonly rest: string;
  readonly heredoc: boolean;
  readonly line: number;
}

/**
 * The part of the Dockerfile grammar that tells which images a build starts from. Everything else is left to the engine,
 * which also is the one to complain about what it cannot read.
 */
export function parseDockerfile(text: string): Dockerfile {
  const { directives, lines, skipped } = splitDirectives(text);
  const stages: (Stage & OpenStage)[] = [];
  const globalArgs = new Map<string, string | undefined>();
  const syntax = directives.get('syntax');
  let needsBuildKit = syntax !== undefined;
  const escape = directives.get('escape') === '`' ? '`' : '\\';
  for (const { word, rest, heredoc, line: at } of instructionsOf(lines, escape)) {
    const line = at + skipped;
    const stage = stages.at(-1);
    const [flags] = /^(?:--\S+\s+)*/.exec(rest) ?? [''];
    needsBuildKit ||=
      heredoc || /--(?:mount|network|security|link|chmod|parents|exclude|checksum)[=\s]/.test(flags);
    if (word === 'FROM') {
      const [, from = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(rest) ?? [];
      stages.push({ from, name: name?.toLowerCase(), uses: [], mounts: [], args: [], onBuild: [] });
    } else if (word === 'ARG') {
      if (stage) stage.args.push(...[...argsOf(rest)].map(([key]) => key));
      else for (const [key, value] of argsOf(rest)) globalArgs.set(key, value);
    } else if (stage && word === 'ONBUILD') {
      stage.onBuild.push({ text: rest, line });
    } else if (stage && (word === 'COPY' || word === 'ADD' || word === 'RUN')) {
      for (const [, reference = ''] of flags.matchAll(/--from=(\S+)/g))
        stage.uses.push({ reference, by: 'copy', line });
      for (const [, fields = ''] of flags.matchAll(/--mount=(\S+)/g)) {
        const of = (key: string): string | undefined =>
          new RegExp(`(?:^|,)"?${key}=([^",]+)`, 'i').exec(fields)?.[1];
        const reference = of('from');
        if (reference !== undefined) stage.uses.push({ reference, by: 'mount', line });
        stage.mounts.push({ type: (of('type') ?? 'bind').toLowerCase(), line });
      }
    }
  }
  return { stages, globalArgs, syntax, needsBuildKit };
}

/** `# syntax=…`, `# escape=…`: only as the very first lines. */
function splitDirectives(text: string): {
  directives: ReadonlyMap<string, string>;
  lines: string[];
  /** Lines of directives before the rest. */
  skipped: number;
} {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const directives = new Map<string, string>();
  let skipped = 0;
  while (lines[0] !== undefined) {
    const [, key, value] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(lines[0]) ?? [];
    if (key === undefined || value === undefined) break;
    directives.set(key.toLowerCase(), value);
    lines.shift();
    skipped += 1;
  }
  return { directives, lines, skipped };
}

/** Joins continued lines; comments and blank lines between them do not count; skips the bodies of here-documents. */
function* instructionsOf(lines: readonly string[], escape: string): Generator<Instruction> {
  let joined = '';
  let start = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (/^\s*(?:#|$)/.test(line)) continue;
    if (joined === '') start = at + 1;
    const trimmed = line.trimEnd();
    if (trimmed.endsWith(escape) && at + 1 < lines.length) {
      joined += trimmed.slice(0, -1);
      continue;
    }
    const [, word, rest] = /^\s*([a-zA-Z]+)\s*(.*)$/s.exec(joined + line) ?? [];
    joined = '';
    if (word === undefined || rest === undefined) continue;
    const ends = /^(?:run|copy|add)$/i.test(word) ? heredocsOf(rest) : [];
    for (const { end, indented } of ends) {
      do at += 1;
      while (at < lines.length && (indented ? (lines[at] ?? '').replace(/^\t+/, '') : lines[at]) !== end);
    }
    yield { word: word.toUpperCase(), rest: rest.trim(), heredoc: ends.length > 0, line: start };
  }
}

const heredocsOf = (rest: string): { end: string; indented: boolean }[] =>
  [...rest.matchAll(/(?:^|\s)\d*<<(-?)(["']?)([a-zA-Z_]\w*)\2/g)].map(([, dash, , end = '']) => ({
    end,
    indented: dash === '-',
  }));

/** `A=1 B="two words" C`. */
function* argsOf(rest: string): Generator<[string, string | undefined]> {
  for (const [, key = '', value] of rest.matchAll(/([a-zA-Z_]\w*)(?:=("[^"]*"|'[^']*'|\S*))?/g)) {
    yield [key, value?.replace(/^(["'])(.*)\1$/s, '$2')];
  }
}
