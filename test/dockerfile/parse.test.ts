import test from 'ava';
import { decodeText } from '../../src/dockerfile/decode.ts';
import { dialects } from '../../src/dockerfile/dialect.ts';
import { detectSyntax } from '../../src/dockerfile/directives.ts';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';

const body = (lines: string) => parseDockerfile(`FROM a\n${lines}\n`).stages[0];

test('a stage says where it stands, its platform, its arguments and what they leave', (t) => {
  const { stages, globals, escape } = parseDockerfile(
    '# escape=`\nARG V="1" W\n\nFROM --platform=linux/$V `\n  x:$V AS Y\nARG A B=1\nONBUILD COPY --from=z p q\n',
  );
  t.is(escape, '`');
  t.deepEqual(globals, [
    { name: 'V', value: '"1"', line: 2 },
    { name: 'W', value: undefined, line: 2 },
  ]);
  t.deepEqual(stages, [
    {
      from: 'x:$V',
      name: 'y',
      platform: 'linux/$V',
      line: 4,
      uses: [],
      mounts: [],
      remotes: [],
      args: ['A', 'B'],
      onBuild: [
        {
          text: 'COPY --from=z p q',
          line: 7,
          uses: [{ reference: 'z', by: 'copy', line: 7 }],
          mounts: [],
          remotes: [],
        },
      ],
    },
  ]);
});

for (const [what, flag, type, from] of [
  ['no type', 'from=b,target=/x', 'bind', 'b'],
  ['a secret', 'type=secret,id=x', 'secret', undefined],
  ['another case', 'TYPE=SSH', 'ssh', undefined],
  ['the last one counts', 'type=bind,type=secret,id=x', 'secret', undefined],
  ['quotes around all of it', '"type=secret,id=x"', 'secret', undefined],
  ['quotes around a field', '\\"type=secret\\",id=x', 'secret', undefined],
  ['an escape that the build takes off', 'type=se\\\\cret,id=x', 'secret', undefined],
  ['quotes that the build takes off', "type=\\'ssh\\'", 'ssh', undefined],
  ['a comma in quotes', '\\"source=a,type=secret\\",from=c', 'bind', 'c'],
] as const) {
  test(`--mount: ${what}`, (t) => {
    t.deepEqual(body(`RUN --network=none --mount=${flag} x`)?.mounts, [{ type, from, line: 2 }]);
  });
}

for (const [what, line] of [
  ['a type', 'RUN --mount=type=$T,id=x y'],
  ['a source', 'RUN --mount=from=$X y'],
] as const) {
  test(`--mount: ${what} that is a variable is refused`, (t) => {
    t.throws(() => body(line), { name: 'Unreadable', message: /takes no variable/ });
  });
}

for (const [line, sources] of [
  ['ADD https://a.example/b /c', ['https://a.example/b']],
  ['ADD --checksum=sha256:00 HTTP://a /c', ['HTTP://a']],
  ['ADD ["a", "git://b/c", "/d"]', ['git://b/c']],
  ['ADD git@a.example:b/c.git#main x /d', ['git@a.example:b/c.git#main']],
  ['ADD "https://a" /c', ['"https://a"']],
  ['ADD $URL /c', ['$URL']],
  ['ADD a.tar ./b@c:d /c', []],
  ['ADD <<https://a /c\nhttps://a', []],
  ['COPY https://a /c', []],
] as const) {
  test(`fetched: ${line.split('\n', 1)[0] ?? ''}`, (t) => {
    t.deepEqual(
      body(line)?.remotes.map(({ source }) => source),
      sources,
    );
  });
}

for (const [what, text, needed] of [
  ['plain', 'FROM a\nRUN x --mount-point=y\nCOPY --chown=1 a b\n', false],
  ['syntax', '# syntax=docker/dockerfile:1\nFROM a\n', true],
  ['mount', 'FROM a\nRUN --mount=type=cache,target=/x y\n', true],
  ['heredoc', 'FROM a\nRUN <<EOF\nx\nEOF\n', true],
  ['link', 'FROM a\nCOPY --link a b\n', true],
  ['the platform in FROM', 'FROM --platform=$BUILDPLATFORM a\n', true],
  ['the platform in an ARG', 'ARG X=a-${TARGETARCH}\nFROM $X\n', true],
  ['a comment that is no directive', '# just a comment\n# syntax=x\nFROM a\n', false],
] as const) {
  test(`BuildKit is ${needed ? '' : 'not '}needed: ${what}`, (t) => {
    t.is(parseDockerfile(text).needsBuildKit, needed);
  });
}

for (const [what, text, image, line] of [
  ['a directive', '# check=x\n# Syntax = a/b:1 c\nFROM x', 'a/b:1', 2],
  ['white space before it', ' # syntax=a\nFROM x', undefined, 0],
  ['a comment before it', '#\n# syntax=a\nFROM x', undefined, 0],
  ['behind #!', '#!/usr/bin/env x\n# syntax=a\n', 'a', 2],
  ['behind //', '//syntax=a\n', 'a', 1],
  ['as JSON', '{\n"syntax": "a"}', 'a', 1],
] as const) {
  test(`the frontend's image: ${what}`, (t) => {
    t.deepEqual(detectSyntax(text, dialects.current), image === undefined ? undefined : { image, line });
  });
}

test('what is not UTF-8 is refused with its line', (t) => {
  const error = t.throws(() => decodeText(Buffer.from('FROM a\n# Gr\xf6\xdfe\n', 'latin1')), {
    name: 'Unreadable',
  });
  t.like(error, { line: 2 });
});
