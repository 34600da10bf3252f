/**
 * How one generation of builders reads a Dockerfile. `current` is BuildKit from 0.25 on (frontend 1.19 and later), `early`
 * BuildKit 0.10 to 0.20 (frontends 1.4 to 1.14, Docker 23 to 28), `classic` the builder of Docker before 23 and the
 * frontend 1.2 that its BuildKit has built in. What a generation in between does is what one of its neighbours does.
 */
export interface Dialect {
  readonly name: 'current' | 'early' | 'classic';
  /** `RUN <<EOF`. */
  readonly hereDocuments: boolean;
  /** `RUN cat << EOF`, with space before the name, is one too. */
  readonly spacedHereDocuments: boolean;
  /** `# check=…` is a parser directive: it does not end the directives. */
  readonly checkDirective: boolean;
  /** Any white space of Unicode may stand between `#` and a directive, not just that of ASCII. */
  readonly unicodeDirectives: boolean;
  /** `# escape=` holds for flags too; else they have the backslash whatever it says. */
  readonly escapesFlags: boolean;
  /** Text behind a JSON array makes it no JSON array. */
  readonly wholeJson: boolean;
  /** All carriage returns at a line's end belong to the line's end, not just one. */
  readonly trimsReturns: boolean;
  /** `${V-x}`, `${V+x}`, `${V#x}`, `${V%x}`, `${V/x/y}`. */
  readonly modernVariables: boolean;
  /** A byte order mark before `# syntax=` does not hide it. */
  readonly syntaxBehindMark: boolean;
  /** `# syntax=` is looked for by the rules of directives (`check`, `escape`, each once), not behind any `# key=value`. */
  readonly strictSyntax: boolean;
}

const current: Dialect = {
  name: 'current',
  hereDocuments: true,
  spacedHereDocuments: true,
  checkDirective: true,
  unicodeDirectives: true,
  escapesFlags: true,
  wholeJson: true,
  trimsReturns: true,
  modernVariables: true,
  syntaxBehindMark: true,
  strictSyntax: true,
};

const early: Dialect = {
  ...current,
  name: 'early',
  spacedHereDocuments: false,
  checkDirective: false,
  unicodeDirectives: false,
  escapesFlags: false,
  wholeJson: false,
  modernVariables: false,
  syntaxBehindMark: false,
};

export const dialects = {
  current,
  early,
  classic: { ...early, name: 'classic', hereDocuments: false, trimsReturns: false, strictSyntax: false },
} as const satisfies Record<Dialect['name'], Dialect>;
