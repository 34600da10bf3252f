/** One stage of a Dockerfile: from one `FROM` to the next. */
export interface Stage {
  /** As written: variables not replaced. */
  readonly from: string;
  /** `AS name`, lower-case. */
  readonly name: string | undefined;
  /** What `COPY --from` and `RUN --mount=…,from=` name, as written. */
  readonly uses: readonly string[];
}

export interface Dockerfile {
  readonly stages: readonly Stage[];
  /** `ARG`s before the first `FROM`: these, and no others, can be used in a `FROM`. */
  readonly globalArgs: ReadonlyMap<string, string | undefined>;
  /** Something that only BuildKit understands. */
  readonly needsBuildKit: boolean;
}

interface Instruction {
  readonly word: string;
  readonly rest: string;
  readonly heredoc: boolean;
}

/**
 * The part of the Dockerfile grammar that tells which images a build starts from. Everything else is left to the engine,
 * which also is the one to complain about what it cannot read.
 */
export function parseDockerfile(text: string): Dockerfile {
  const { directives, lines } = splitDirectives(text);
  const stages: { from: string; name: string | undefined; uses: string[] }[] = [];
  const globalArgs = new Map<string, string | undefined>();
  let needsBuildKit = directives.has('syntax');
  for (const { word, rest, heredoc } of instructionsOf(
    lines,
    directives.get('escape') === '`' ? '`' : '\\',
  )) {
    const stage = stages.at(-1);
    const [flags] = /^(?:--\S+\s+)*/.exec(rest) ?? [''];
    needsBuildKit ||=
      heredoc || /--(?:mount|network|security|link|chmod|parents|exclude|checksum)[=\s]/.test(flags);
    if (word === 'FROM') {
      const [, from = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(rest) ?? [];
      stages.push({ from, name: name?.toLowerCase(), uses: [] });
    } else if (word === 'ARG' && !stage) {
      for (const [key, value] of argsOf(rest)) globalArgs.set(key, value);
    } else if (stage && (word === 'COPY' || word === 'ADD' || word === 'RUN')) {
      for (const [, used = ''] of flags.matchAll(/--(?:from=|mount=\S*?\bfrom=)([^\s,]+)/g)) {
        stage.uses.push(used);
      }
    }
  }
  return { stages, globalArgs, needsBuildKit };
}

/** `# syntax=…`, `# escape=…`: only as the very first lines. */
function splitDirectives(text: string): { directives: ReadonlyMap<string, string>; lines: string[] } {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const directives = new Map<string, string>();
  while (lines[0] !== undefined) {
    const [, key, value] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(lines[0]) ?? [];
    if (key === undefined || value === undefined) break;
    directives.set(key.toLowerCase(), value);
    lines.shift();
  }
  return { directives, lines };
}

/** Joins continued lines; comments and blank lines between them do not count; skips the bodies of here-documents. */
function* instructionsOf(lines: readonly string[], escape: string): Generator<Instruction> {
  let joined = '';
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (/^\s*(?:#|$)/.test(line)) continue;
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
    yield { word: word.toUpperCase(), rest: rest.trim(), heredoc: ends.length > 0 };
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
