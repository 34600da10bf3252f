import test from 'ava';
import type { HereDocuments } from '../../src/dockerfile/read.ts';
import { readDockerfile, settleReading } from '../../src/dockerfile/read.ts';

const settle = (text: string, engine: HereDocuments): void => {
  settleReading(readDockerfile(text, 'Dockerfile'), engine, 'Dockerfile');
};

const honest = 'FROM good\nRUN <<EOF\napt-get update\nEOF\n';
/** Valid with and without here-documents, and another Dockerfile each time. */
const twofold = 'FROM good\nRUN <<"RUN true"\nFROM evil\nRUN true\n';
/** The same stages both times, but other steps. */
const other = 'FROM good\nRUN <<"# end"\nRUN curl evil\n# end\n';
const syntax = (image: string, text: string): string => `# syntax=${image}\n${text}`;

for (const [what, text, known, bySyntax, unknown] of [
  ['no here-document', 'FROM good\nRUN true\n', true, true, true],
  ['an honest one', honest, true, false, true],
  ['one that hides a stage', twofold, true, false, false],
  ['one that hides a step', other, true, false, false],
  ['an honest one behind # syntax=', syntax('docker/dockerfile:1', honest), true, true, true],
  ['a twofold one behind # syntax=', syntax('docker/dockerfile:1.7-labs', twofold), true, true, false],
  ['the same by its long name', syntax('docker.io/docker/dockerfile', twofold), true, true, false],
  ['an honest one behind a frontend without them', syntax('docker/dockerfile:1.2', honest), true, true, true],
  [
    'a twofold one behind a frontend without them',
    syntax('docker/dockerfile:1.2', twofold),
    false,
    false,
    false,
  ],
  ['a twofold one behind 1.3', syntax('docker/dockerfile:1.3', twofold), false, false, false],
  ['a twofold one behind a digest', syntax('docker/dockerfile:1@sha256:00', twofold), false, false, false],
  [
    'a twofold one behind a stranger',
    syntax('evil.example/docker/dockerfile:1', twofold),
    false,
    false,
    false,
  ],
] as const) {
  const answers = { known, 'by syntax': bySyntax, unknown } as const;
  for (const [engine, isTaken] of Object.entries(answers) as [HereDocuments, boolean][]) {
    test(`${what} is ${isTaken ? 'taken' : 'refused'} where here-documents are ${engine}`, (t) => {
      if (isTaken) t.notThrows(() => settle(text, engine));
      else
        t.throws(() => settle(text, engine), {
          code: 'MANIFEST_INVALID',
          message: /^Dockerfile, line \d+: /,
        });
    });
  }
}

for (const [what, text, message] of [
  [
    'a directive that older builders do not know, before escape',
    '# check=skip=all\n# escape=`\nFROM a\nRUN x `\nFROM evil\n',
    /line 5/,
  ],
  [
    'a space after << where older builders see none',
    'FROM a\nRUN x << "RUN true"\nFROM evil\nRUN true\n',
    /line 2/,
  ],
  ['an escape in a flag', '# escape=`\nFROM a\nCOPY --from=ev\\il x y\n', /line 3/],
  ['a byte order mark before # syntax=', '\uFEFF# syntax=docker/dockerfile:1\nFROM a\n', /line 1/],
  ['white space that is none to older builders', '#\u00a0escape=`\nFROM a\nRUN x `\nFROM evil\n', /line 4/],
] as const) {
  test(`${what}: whatever the engine, it is refused with its line`, (t) => {
    t.throws(() => readDockerfile(text, 'D'), { code: 'MANIFEST_INVALID', message });
  });
}

for (const [what, text, message] of [
  ['no end of a here-document', 'FROM a\nRUN <<EOF\n', /^D, line 2: .*EOF has no end/],
  ['no instruction', 'FROM a\n\nBOGUS\n', /^D, line 3: BOGUS is no instruction/],
  ['nothing at all', '', /^D, line 1: there is no FROM/],
  ['a variable in COPY --from', 'FROM a\nCOPY --from=$V x y\n', /^D, line 2: COPY --from takes no variable/],
  [
    'a line that is too long',
    `FROM a\nRUN ${'x'.repeat(65_536)}\n`,
    /^D, line 2: it has more than 65535 bytes/,
  ],
  [
    'what is nested without end',
    `FROM a\nRUN ${'${a:-'.repeat(10_000)}${'}'.repeat(10_000)} <<EOF\nEOF\n`,
    /^D, line 2: /,
  ],
  ['a directive that comes twice', '# escape=`\n# escape=`\nFROM a\n', /^D, line 2: .*twice/],
] as const) {
  test(`${what} is refused with its line`, (t) => {
    t.throws(() => readDockerfile(text, 'D'), { code: 'MANIFEST_INVALID', message });
  });
}

test('double backslashes at a line’s end go on in no dialect', (t) => {
  const { dockerfile, conflict } = readDockerfile('FROM good AS a\nRUN echo x \\\\\nFROM evil\n', 'D');
  t.deepEqual(
    dockerfile.stages.map(({ from }) => from),
    ['good', 'evil'],
  );
  t.is(conflict, undefined);
});
