import test from 'ava';
import { basesOf } from '../../../src/steps/build/bases.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { countedArgs, frontendsOf, refuseTriggers, refuseUngiven } from '../../../src/steps/build/inputs.ts';

const check = (text: string, target?: string): void =>
  refuseUngiven(
    basesOf(parseDockerfile(text), {
      args: {},
      target,
      platform: { os: 'linux', architecture: 'amd64' },
      file: 'Dockerfile',
    }),
    'app/Dockerfile',
  );

const ungiven: readonly (readonly [string, string, number])[] = [
  ['a secret', 'FROM a\nRUN --mount=type=secret,id=x cat /run/secrets/x\n', 2],
  ['an agent', '# syntax=docker/dockerfile:1\nFROM a\nRUN --mount=type=ssh git clone x\n', 3],
  ['a secret that is required', 'FROM a\nRUN --mount=type=secret,id=x,required=true x\n', 2],
  ['a secret as a variable', 'FROM a\nRUN --mount=type=secret,id=x,env=X x\n', 2],
  ['upper case', 'FROM a\nRUN --mount=type=SECRET,id=x x\n', 2],
  ['the type behind the id', 'FROM a\nRUN --mount=id=x,type=secret x\n', 2],
  ['the second mount of a step', 'FROM a\nRUN --mount=type=cache,target=/c --mount=type=ssh x\n', 2],
  [
    'continued lines',
    'FROM a\n\nRUN --mount=type=cache,target=/c \\\n  --mount=type=secret,id=x \\\n  x\n',
    3,
  ],
  ['a stage that is copied from', 'FROM a AS b\nRUN --mount=type=ssh x\nFROM c\nCOPY --from=b /x /x\n', 2],
  ['a trigger between stages', 'FROM a AS b\nONBUILD RUN --mount=type=ssh x\nFROM b\n', 2],
  ['a stage that is built on', 'FROM a AS b\nRUN --mount=type=ssh x\nFROM b\n', 2],
];
for (const [what, text, line] of ungiven) {
  test(`what the engine cannot give is refused with its line: ${what}`, (t) => {
    const error = t.throws(() => check(text), { code: 'UNSUPPORTED' });
    t.true(error.message.startsWith(`app/Dockerfile, line ${String(line)}: `), error.message);
  });
}

for (const [what, text, target] of [
  ['caches', 'FROM a\nRUN --mount=type=cache,target=/x y\n'],
  ['no type, which is bind', 'FROM a\nRUN --mount=target=/x,from=b y\n'],
  ['tmpfs', 'FROM a\nRUN --mount=type=tmpfs,target=/x y\n'],
  ['a stage that does not reach the image', 'FROM a AS dev\nRUN --mount=type=ssh x\nFROM b\n'],
  ['a stage behind the target', 'FROM a AS x\nFROM b\nRUN --mount=type=ssh x\n', 'x'],
  ['what only looks like it', 'FROM a\nRUN echo --mount=type=secret,id=x\n'],
  ['what is left to images built on this one', 'FROM a\nONBUILD RUN --mount=type=secret,id=x y\n'],
] as const) {
  test(`what the engine can give is let through: ${what}`, (t) => {
    t.notThrows(() => check(text, target));
  });
}

for (const [what, trigger] of [
  ['another image', 'COPY --from=evil /x /x'],
  ['another image, lower case', 'copy --chown=1 --from=evil /x /x'],
  ['a mounted image', 'RUN --mount=type=bind,from=evil,target=/x cp /x /y'],
  ['a secret', 'RUN --mount=type=secret,id=x y'],
  ['an agent', 'RUN --mount=type=ssh y'],
] as const) {
  test(`a trigger of a base image that asks for ${what} is refused`, (t) => {
    const error = t.throws(() => refuseTriggers(['RUN true', trigger], 'python:3.12'), {
      code: 'UNSUPPORTED',
    });
    t.true(error.message.includes('python:3.12'), error.message);
    t.true(error.message.includes(trigger), error.message);
  });
}

test('triggers that bring nothing are let through', (t) => {
  t.notThrows(() => refuseTriggers(['COPY . /app', 'RUN --mount=type=cache,target=/c pip install .'], 'a'));
});

test('frontends: of the directive and of the argument that BuildKit takes instead', (t) => {
  t.deepEqual(frontendsOf({ syntax: undefined }, {}), []);
  t.deepEqual(frontendsOf({ syntax: { image: 'docker/dockerfile:1', line: 1 } }, {}), [
    'docker/dockerfile:1',
  ]);
  t.deepEqual(frontendsOf({ syntax: undefined }, { BUILDKIT_SYNTAX: 'evil/x:1 --flag' }), ['evil/x:1']);
  t.deepEqual(frontendsOf({ syntax: { image: 'a:1', line: 1 } }, { BUILDKIT_SYNTAX: 'b:2' }), ['b:2', 'a:1']);
});

const proxies = { HTTP_PROXY: 'http://p', http_proxy: 'http://p', NO_PROXY: 'x', all_proxy: 'y', A: 'a' };
for (const [what, text, counted] of [
  ['undeclared', 'FROM a\n', ['A']],
  ['declared in a stage', 'FROM a\nARG X HTTP_PROXY\n', ['HTTP_PROXY', 'A']],
  ['declared with a default', 'FROM a\nARG http_proxy=z\n', ['http_proxy', 'A']],
  ['declared before the stages', 'ARG NO_PROXY\nFROM a\n', ['NO_PROXY', 'A']],
  ['declared for stages built on this one', 'FROM a\nONBUILD ARG all_proxy\n', ['all_proxy', 'A']],
  ['another name', 'FROM a\nARG HTTP_PROXY_PORT\n', ['A']],
] as const) {
  test(`predefined proxy arguments count where an ARG declares them: ${what}`, (t) => {
    t.deepEqual(Object.keys(countedArgs(proxies, parseDockerfile(text))), [...counted]);
  });
}
