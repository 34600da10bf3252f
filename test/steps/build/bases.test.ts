import test from 'ava';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { basesOf } from '../../../src/steps/build/bases.ts';

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
  ['an image called context', 'FROM a\nCOPY --from=context /x /x\n', {}, ['a', 'context'], 'a'],
  ['scratch to copy from is no image', 'FROM a\nCOPY --from=scratch /x /x\n', {}, ['a'], 'a'],
  [
    'a number is a stage to COPY alone',
    'FROM a\nFROM b\nRUN --mount=from=0,target=/t x\n',
    {},
    ['b', '0'],
    'b',
  ],
  ['what ONBUILD leaves', 'FROM a AS x\nONBUILD COPY --from=evil p q\nFROM x\n', {}, ['a', 'evil'], 'a'],
  ['ONBUILD of a stage nobody builds on', 'FROM a\nONBUILD COPY --from=evil p q\n', {}, ['a'], 'a'],
  ['the last of stages of one name', 'FROM a AS x\nFROM b AS x\nFROM x\n', {}, ['b'], 'b'],
  ['FROM has no numbers', 'FROM a\nFROM 0\n', {}, ['0'], '0'],
  ['a form that older builders lack, and nothing uses', 'ARG V=${X%y}\nFROM a\n', {}, ['a'], 'a'],
  ['a stage called scratch', 'FROM a AS scratch\nFROM scratch\n', {}, ['a'], 'a'],
  ['another case is no stage to FROM', 'FROM a AS x\nFROM X\n', {}, ['X'], 'X'],
  ['an ARG from the one before it', 'ARG V=1\nARG V=${V}2\nFROM a:$V\n', {}, ['a:12'], 'a:12'],
  ['quotes in FROM', 'ARG V="3.12"\nFROM "a:${V}"\n', {}, ['a:3.12'], 'a:3.12'],
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

for (const [what, text, options, message] of [
  ['a stage that is not there', 'FROM a AS x\n', { target: 'y' }, /no stage named y/],
  ['a number for a target that is not there', 'FROM a\nFROM b\n', { target: '2' }, /no stage named 2/],
  ['a number that is no stage', 'FROM a\nCOPY --from=1 x y\n', {}, /line 2/],
  [
    'a later stage of the same name',
    'FROM a AS x\nFROM b AS y\nCOPY --from=x p q\nFROM c AS x\nFROM y\n',
    {},
    /line 3/,
  ],
  [
    'a platform that only the engine knows',
    'FROM a-$BUILDARCH\n',
    {},
    /line 1: only the engine knows \$BUILDARCH/,
  ],
  ['the same through an ARG', 'ARG X=$BUILDARCH\nFROM a-$X\n', {}, /line 1/],
  ['a form that older builders lack, through an ARG', 'ARG V=${X%y}z\nFROM a$V\n', {}, /line 1/],
  ['a value that must be given', 'ARG V\nFROM a:${V:?wanted}\n', {}, /line 2: .*wanted/],
  ['a form that older builders lack', 'ARG V=3-slim\nFROM a:${V%-slim}\n', {}, /line 2/],
  ['an ARG that older builders empty', 'ARG V=3\nARG V\nFROM a:$V\n', {}, /line 3: .*a:3.*a:/],
  ['ONBUILD that cannot be done', 'FROM a AS x\nONBUILD COPY --from=$V p q\nFROM x\n', {}, /line 2/],
] as const) {
  test(`bases: ${what} is refused`, (t) => {
    t.throws(() => bases(text, options), { code: 'MANIFEST_INVALID', message });
  });
}

test('arguments that are given stand for what the engine knows', (t) => {
  t.deepEqual(bases('FROM a-$BUILDARCH\n', { args: { BUILDARCH: 'amd64' } }).all, ['a-amd64']);
});
