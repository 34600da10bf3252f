import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { sha256 } from '../../src/domain/sha256.ts';
import { noEngine } from '../support/aml-sandbox.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** Bad files and wrong places: found before anything is asked of anybody. */
let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());

const good = [
  'apiVersion: amlpromote/v1',
  'kind: Image',
  'name: churn',
  'version: 1.4.0',
  'repository: ml/churn',
  `source: { image: "oci:./layout@${sha256('x')}" }`,
];
const changed = (line: number, ...replacement: string[]): string =>
  good.toSpliced(line, 1, ...replacement).join('\n');

for (const [title, text, message] of [
  ['an unknown key', changed(2, 'nmae: churn'), /:3:1: unknown key "nmae"; did you mean "name"\?/],
  ['a key twice', changed(2, 'name: churn', 'name: churn'), /:4:1: .*(?:duplicate|twice|unique)/i],
  [
    'an alias',
    changed(2, 'name: &n churn', 'version: *n').replace('\nversion: 1.4.0', ''),
    /:4:10: .*alias/i,
  ],
  ['a wrong type', changed(3, 'version: 1.10'), /:4:10: version: expected/],
  ['an environment name with a dot', changed(2, 'name: churn.train'), /:3:7: name: /],
  ['a version that is a reserved tag', changed(3, 'version: receipts'), /:4:10: version: /],
  [
    'a source without a digest',
    changed(5, 'source: { image: x.azurecr.io/ml/x:1 }'),
    /:6:18: source.image: /,
  ],
  ['a digest that is none', changed(5, 'source: { image: "oci:./l@sha256:123" }'), /:6:18: source.image: /],
  ['another kind', changed(1, 'kind: Zones'), /:2:7: kind: /],
  ['no YAML', '{{{', /:1:/],
] as const)
  test.serial(`an image manifest with ${title}: exit 2 with its place`, async (t) => {
    const file = world.file('bad.yaml');
    writeFileSync(file, text);
    for (const command of ['build', 'scan', 'publish', 'sign', 'release'])
      t.is((await world.run(t, [command, file])).exitCode, 2, command);
    const { message: told } = await world.refused(t, ['promote', file], {
      exitCode: 2,
      code: 'MANIFEST_INVALID',
      message,
    });
    t.true(told.startsWith(file), told);
  });

test.serial('a manifest that is not there, a folder, a smoke input that is not there', async (t) => {
  const invalid = { exitCode: 2, code: 'MANIFEST_INVALID' } as const;
  await world.refused(t, ['build', world.file('none.yaml')], { ...invalid, message: /no such file/ });
  await world.refused(t, ['build', world.directory], invalid);
  const { file } = world.image('no-input', {
    more: 'smoke: { command: x, inputs: { data: { type: uri_file, path: ./none.csv } } }',
  });
  await world.refused(t, ['promote', file, '--dry-run'], { ...invalid, message: /none\.csv/ });
});

test.serial('zones: missing, wrong, and of the other side', async (t) => {
  const { file } = world.image('places');
  const release = world.file('places.json');
  await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
  const invalid = { exitCode: 2, code: 'MANIFEST_INVALID' } as const;
  await world.refused(t, ['build', file, '--zones', world.file('none.yaml')], invalid);
  const wrong = world.file('wrong.yaml');
  writeFileSync(wrong, readFileSync(world.zones.both, 'utf8').replace('via: acr-import', 'via: ftp'));
  await world.refused(t, ['import', release, '--zones', wrong], {
    ...invalid,
    message: /wrong\.yaml:\d+:\d+/,
  });

  const usage = { exitCode: 2, code: 'USAGE' } as const;
  const before = world.sandbox.events.recent().length;
  for (const argv of [
    ['import', release, '--zones', world.zones.outside],
    ['register', release, '--zones', world.zones.outside],
    ['run', release, '--zones', world.zones.outside],
    ['publish', file, '--zones', world.zones.inside],
    ['promote', '--inside', release, '--zones', world.zones.outside],
    ['promote', file, '--zones', world.zones.inside],
  ])
    await world.refused(t, argv, { ...usage, message: /no access for the (?:non)?sensitive zone/ });
  t.is(world.sandbox.events.recent().length, before, 'nobody was asked');
});

test.serial('a route that nobody approved is refused', async (t) => {
  const { file } = world.image('unrouted');
  const release = world.file('unrouted.json');
  await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
  const zones = path.join(world.directory, 'unrouted.yaml');
  writeFileSync(zones, readFileSync(world.zones.both, 'utf8').replace(/^routes: .*$/m, 'routes: []'));
  const refusal = { exitCode: 10, code: 'ROUTE_NOT_APPROVED' } as const;
  await world.refused(t, ['import', release, '--zones', zones], refusal);
  await world.refused(t, ['promote', '--inside', release, '--dry-run', '--zones', zones], refusal);
});

test.serial('a missing policy is exit 2: without one nothing is allowed', async (t) => {
  const { file } = world.image('lawless');
  const zones = world.file('lawless/zones.yaml');
  mkdirSync(path.dirname(zones));
  writeFileSync(zones, readFileSync(world.zones.both, 'utf8').replaceAll(': ./', `: ${world.directory}/`));
  const missing = { exitCode: 2, code: 'POLICY_MISSING' } as const;
  for (const argv of [
    ['build', file],
    ['scan', file],
    ['promote', file],
    ['promote', file, '--outside'],
  ])
    await world.refused(t, [...argv, '--zones', zones], missing);
  await world.refused(t, ['build', file, '--policy', world.file('none.yaml')], missing);
  const wrong = world.file('policy.yaml');
  writeFileSync(wrong, 'apiVersion: amlpromote/v1\nkind: Policy\nscan: { failOn: sometimes }\n');
  await world.refused(t, ['build', file, '--policy', wrong], {
    exitCode: 2,
    code: 'MANIFEST_INVALID',
    message: /policy\.yaml:3:17: scan\.failOn/,
  });
});

test.serial('a missing or broken key is exit 2, and nothing of it is printed', async (t) => {
  const { file } = world.image('keyless');
  await world.json(t, 'build', ['build', file]);
  await world.json(t, 'publish', ['publish', file]);
  await world.refused(t, ['sign', file, '--key', world.file('none.pem')], {
    exitCode: 2,
    code: 'KEY_MISSING',
  });
  const broken = world.file('broken.pem');
  writeFileSync(broken, 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n');
  const { message } = await world.refused(t, ['sign', file, '--key', broken], {
    exitCode: 2,
    code: 'KEY_MISSING',
  });
  t.false(message.includes('MIGH'));
});

test.serial('no engine: exit 20, and how to get one', async (t) => {
  const context = world.file('context');
  mkdirSync(context);
  writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY x /x\n');
  writeFileSync(path.join(context, 'x'), 'x');
  const file = world.file('dockerfile.yaml');
  writeFileSync(file, changed(5, 'source: { build: { context: ./context } }'));
  const { nextSteps } = await world.refused(t, ['build', file], {
    exitCode: 20,
    code: 'ENGINE_UNREACHABLE',
    message: new RegExp(noEngine.slice('unix://'.length)),
  });
  t.regex(nextSteps.join(' '), /DOCKER_HOST/);
  await world.refused(
    t,
    ['promote', file, '--outside'],
    { exitCode: 20, code: 'ENGINE_UNREACHABLE' },
    { DOCKER_HOST: `unix://${path.join(context, 'x')}` },
  );
  await world.refused(t, ['build', file], { exitCode: 2, code: 'USAGE' }, { DOCKER_HOST: 'ssh://build' });
});

test.serial('what was not built cannot be published, and says what to run first', async (t) => {
  const { file } = world.image('unbuilt');
  for (const command of ['scan', 'publish', 'sign', 'release']) {
    const { nextSteps } = await world.refused(t, [command, file], { exitCode: 20, code: 'NOT_FOUND' });
    t.regex(nextSteps.join(' '), /amlpromote build/);
  }
});

test.serial('a layout that lacks a blob is refused and leaves no image behind', async (t) => {
  const { file } = world.image('holey');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/sha256:[0-9a-f]{64}/, sha256('another')));
  await world.refused(t, ['build', file], { exitCode: 20, code: 'NOT_FOUND' });
  await world.refused(t, ['publish', file], { exitCode: 20, code: 'NOT_FOUND' });
});

test.serial('usage errors are one document, too', async (t) => {
  for (const argv of [
    ['build'],
    ['build', 'a.yaml', 'b.yaml'],
    ['build', 'a.yaml', '--nope'],
    ['promote', '--outside', '--inside', 'r'],
  ]) {
    const { error } = await world.json(t, 'error', argv, { exitCode: 2 });
    t.is(error.code, 'USAGE');
    t.is((await world.run(t, argv)).exitCode, 2);
  }
  const { error } = await world.json(t, 'error', ['verify', 'no-slash'], { exitCode: 2 });
  t.is(error.code, 'MANIFEST_INVALID');
  t.false(existsSync('a.yaml'));
});

test.serial('a mistyped command is a usage error with a guess', async (t) => {
  for (const [argv, meant] of [
    [['init', 'project'], /^amlpromote init --help lists its flags/],
    [['promot', 'image.yaml'], /Did you mean amlpromote promote\?/],
    [['sandbox', 'stopp', '--dir', 'x'], /Did you mean amlpromote sandbox stop\?/],
    [['frobnicate'], /^amlpromote --help/],
  ] as const) {
    const { nextSteps } = await world.refused(t, argv, { exitCode: 2, code: 'USAGE' });
    t.regex(nextSteps.join(' '), meant);
  }
});
