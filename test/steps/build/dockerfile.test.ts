import test from 'ava';
import { basesOf, substitute } from '../../../src/steps/build/bases.ts';
import { parseDockerfile } from '../../../src/steps/build/dockerfile.ts';

const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };

const bases = (text: string, options: { args?: Record<string, string>; target?: string } = {}) =>
  basesOf(parseDockerfile(text), {
    args: options.args ?? {},
    target: options.target,
    platform,
    file: 'Dockerfile',
  });

const cases: readonly (readonly [
  string,
  string,
  { args?: Record<string, string>; target?: string },
  readonly string[],
  string | undefined,
])[] = [
  ['one stage', 'FROM debian:12\nRUN true\n', {}, ['debian:12'], 'debian:12'],
  ['lower case and tabs', 'from\tdebian:12\n', {}, ['debian:12'], 'debian:12'],
  ['scratch is no image', 'FROM scratch\nCOPY a /a\n', {}, [], undefined],
  ['stages by name, case folded', 'FROM a AS Build\nFROM b\nCOPY --from=build /x /x\n', {}, ['b', 'a'], 'b'],
  ['stages by number', 'FROM a\nFROM b\nCOPY --from=0 /x /x\n', {}, ['b', 'a'], 'b'],
  ['a stage on a stage', 'FROM a AS x\nFROM x AS y\nFROM y\n', {}, ['a'], 'a'],
  ['stages that do not reach the image', 'FROM a AS x\nFROM b AS y\nFROM c\n', {}, ['c'], 'c'],
  ['a target', 'FROM a AS x\nFROM b AS y\n', { target: 'X' }, ['a'], 'a'],
  [
    'another image to copy from',
    'FROM a\nCOPY --from=tools:1 --chown=1:1 /x /x\n',
    {},
    ['a', 'tools:1'],
    'a',
  ],
  [
    'what a stage leaves to the next',
    'FROM a AS x\nONBUILD COPY --from=tools:3 /x /x\nFROM x\n',
    {},
    ['a', 'tools:3'],
    'a',
  ],
  ['what it leaves to others', 'FROM a\nONBUILD COPY --from=tools:3 /x /x\n', {}, ['a'], 'a'],
  ['a mount', 'FROM a\nRUN --mount=type=bind,from=tools:2,target=/t true\n', {}, ['a', 'tools:2'], 'a'],
  ['an argument with a default', 'ARG BASE=a:1\nFROM ${BASE}\n', {}, ['a:1'], 'a:1'],
  ['an argument that is given', 'ARG BASE=a:1\nFROM $BASE\n', { args: { BASE: 'b:2' } }, ['b:2'], 'b:2'],
  ['several in one line, quoted', 'ARG A="x" B=\'y\'\nFROM ${A}/${B}:1\n', {}, ['x/y:1'], 'x/y:1'],
  ['one from another', 'ARG V=12\nARG BASE=debian:${V}\nFROM $BASE\n', {}, ['debian:12'], 'debian:12'],
  ['only global ones count', 'ARG BASE=a\nFROM $BASE AS x\nARG BASE=b\nFROM $BASE\n', {}, ['a'], 'a'],
  ['defaults in place', 'ARG V\nFROM a:${V:-9}\n', {}, ['a:9'], 'a:9'],
  ['alternatives in place', 'ARG SLIM=1\nFROM a:3${SLIM:+-slim}\n', {}, ['a:3-slim'], 'a:3-slim'],
  [
    'the platform',
    'FROM --platform=$BUILDPLATFORM a-$TARGETARCH-$TARGETVARIANT\n',
    {},
    ['a-arm64-v8'],
    'a-arm64-v8',
  ],
  ['continued lines with comments between', 'FROM \\\n# not this\n\n  a:1 \\\n  AS x\n', {}, ['a:1'], 'a:1'],
  ['another escape', '# escape=`\nFROM `\n  a:1\nRUN dir C:\\\nFROM b\n', {}, ['b'], 'b'],
  [
    'here-documents',
    'FROM a\nRUN <<EOF\nFROM evil\nEOF\nCOPY <<-"X" <<Y /d/\nFROM evil2\n\tX\nFROM evil3\nY\n',
    {},
    ['a'],
    'a',
  ],
  ['windows line ends and a byte order mark', '\uFEFFFROM a:1\r\nRUN true\r\n', {}, ['a:1'], 'a:1'],
  ['by digest', 'FROM a@sha256:00\n', {}, ['a@sha256:00'], 'a@sha256:00'],
];
for (const [what, text, options, all, root] of cases) {
  test(`bases: ${what}`, (t) => {
    const names = bases(text, options);
    t.deepEqual({ all: names.all, root: names.root }, { all, root });
  });
}

test('a FROM that comes out empty is MANIFEST_INVALID', (t) => {
  const error = t.throws(() => bases('ARG BASE\nFROM ${BASE}\n'), { code: 'MANIFEST_INVALID' });
  t.true(error.message.includes('${BASE}'));
});

for (const [what, text, needed] of [
  ['plain', 'FROM a\nRUN x --mount-point=y\nCOPY --chown=1 a b\n', false],
  ['syntax', '# syntax=docker/dockerfile:1\nFROM a\n', true],
  ['mount', 'FROM a\nRUN --mount=type=cache,target=/x y\n', true],
  ['heredoc', 'FROM a\nRUN <<EOF\nx\nEOF\n', true],
  ['link', 'FROM a\nCOPY --link a b\n', true],
  ['a comment that is no directive', '# just a comment\n# syntax=x\nFROM a\n', false],
] as const) {
  test(`BuildKit is ${needed ? '' : 'not '}needed: ${what}`, (t) => {
    t.is(parseDockerfile(text).needsBuildKit, needed);
  });
}

test('substitution leaves an escaped dollar alone and does not loop', (t) => {
  const values = new Map([['A', '$A']]);
  t.is(substitute('\\$A-$A-${B-${A}}', values), '$A-$A-$A');
});
