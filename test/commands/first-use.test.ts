import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** What people try first: the wrong file, a starter manifest as it came, a question before anything was done. */
let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());

test.serial('each file in place of another: exit 2, what it is, and where it belongs', async (t) => {
  const { file } = world.image('kinds');
  const release = world.file('kinds.json');
  await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
  const policy = path.join(world.directory, 'outside/policy.yaml');
  const key = path.join(world.directory, 'outside/key.pem');
  const isNot = (what: string): RegExp => new RegExp(`this is ${what}; an? .* is wanted here`);
  for (const [argv, message, nextStep] of [
    [['verify', file], isNot('an image manifest'), /promote IMAGE\.yaml --outside/],
    [['import', file], isNot('an image manifest'), /promote IMAGE\.yaml --outside/],
    [['promote', '--inside', file], isNot('an image manifest'), /promote IMAGE\.yaml --outside/],
    [['promote', release], isNot('a release\\.json'), /promote --inside release\.json/],
    [['build', release], isNot('a release\\.json'), /promote --inside release\.json/],
    [['sign', world.zones.both], isNot('a zones manifest'), /--zones/],
    [['register', world.zones.both], isNot('a zones manifest'), /--zones/],
    [['promote', policy], isNot('a policy'), /--policy/],
    [['verify', policy], isNot('a policy'), /--policy/],
    [['scan', key], isNot('a key or certificate \\(PEM\\)'), /--key/],
    [['import', key], isNot('a key or certificate \\(PEM\\)'), /--key/],
    [['build', file, '--zones', file], isNot('an image manifest'), /--zones/],
    [['build', file, '--zones', policy], isNot('a policy'), /--policy/],
    [['build', file, '--policy', world.zones.both], isNot('a zones manifest'), /--zones/],
    [['build', file, '--policy', release], isNot('a release\\.json'), /import, verify/],
  ] as const) {
    const error = await world.refused(t, argv, { exitCode: 2, code: 'MANIFEST_INVALID', message });
    t.regex(error.nextSteps.join(' '), nextStep, argv.join(' '));
  }
});

test.serial('a short digest, a name without a registry, a reference for a file', async (t) => {
  const usage = { exitCode: 2, code: 'USAGE' } as const;
  for (const command of ['verify', 'scan', 'sign', 'build', 'import', 'status'])
    for (const [argument, message] of [
      ['contosodev.azurecr.io/ml/kinds@sha256:12ab', /digest has 4 characters/],
      ['ml/kinds:1.4.0', /lacks the registry/],
    ] as const)
      await world.refused(t, [command, argument], { ...usage, message });
  for (const command of ['build', 'publish', 'release', 'import', 'register', 'run', 'promote'])
    await world.refused(t, [command, 'contosodev.azurecr.io/ml/kinds:1.4.0'], {
      ...usage,
      message: /it is an image reference/,
    });
});

test.serial('a starter zones manifest is refused line by line, before anything is asked', async (t) => {
  const { file } = world.image('starter');
  const project = world.file('project');
  const names = ['--organisation', 'Contoso', '--state', 'Tokyo', '--country', 'JP'];
  t.is((await world.run(t, ['init', '--dir', project, ...names])).exitCode, 0);
  const before = world.sandbox.events.recent().length;
  for (const argv of [
    ['promote', file],
    ['promote', file, '--dry-run'],
    ['status', file],
  ])
    await world.refused(t, [...argv, '--zones', path.join(project, 'zones.yaml')], {
      exitCode: 2,
      code: 'MANIFEST_INVALID',
      message: /zones\.yaml:\d+:\d+: zones\.nonsensitive\.registry\.host: is still the placeholder of init/,
    });
  t.is(world.sandbox.events.recent().length, before);
});

test.serial('status of what was never built needs no engine and no pull', async (t) => {
  const file = world.file('unbuilt/image.yaml');
  mkdirSync(path.join(path.dirname(file), 'context'), { recursive: true });
  writeFileSync(path.join(path.dirname(file), 'context/Dockerfile'), 'FROM python:3.12-slim\n');
  writeFileSync(
    file,
    [
      'apiVersion: amlpromote/v1',
      'kind: Image',
      'name: unbuilt',
      'version: 1.0.0',
      'repository: ml/unbuilt',
      'source: { build: { context: ./context } }',
      '',
    ].join('\n'),
  );
  const status = await world.json(t, 'status', ['status', file]);
  t.deepEqual(status.outside, { releases: [] });
  t.regex((await world.run(t, ['status', file])).stdout, /built +not yet, or from other sources/);

  // Something was built there: which build is meant hangs on the base, and status does not fetch it.
  const other = world.image('other', { repository: 'ml/unbuilt' });
  await world.json(t, 'build', ['build', other.file]);
  const index = path.join(world.store, 'index.json');
  const layout = JSON.parse(readFileSync(index, 'utf8')) as {
    manifests: { annotations?: Record<string, string> }[];
  };
  const [first] = layout.manifests.filter(({ annotations }) =>
    JSON.stringify(annotations ?? {}).includes('ml/unbuilt'),
  );
  t.truthy(first);
  const text = JSON.stringify(layout).replaceAll(
    /(ml\/unbuilt)(:)(1\.4\.0)/g,
    (_, name: string, colon: string) => `${name}${colon}build-0123456789ab`,
  );
  writeFileSync(index, text);
  const open = await world.json(t, 'status', ['status', file]);
  t.true(
    typeof open.outside === 'object' && /engine/i.test(open.outside.notLookedUp ?? ''),
    JSON.stringify(open),
  );
  t.regex((await world.run(t, ['status', file])).stdout, /could not check, the base was not looked up/);
});

test.serial('what the manifest says is too large is not fetched, not scanned and not signed', async (t) => {
  const { file, digest } = world.image('large');
  const policy = world.file('small.yaml');
  const text = readFileSync(path.join(world.directory, 'outside/policy.yaml'), 'utf8');
  const trust = path.join(world.directory, 'outside/trust');
  writeFileSync(policy, text.replace(/maxSize: \S+/, 'maxSize: 100B').replaceAll('./trust', trust));
  const refusal = { exitCode: 10, code: 'POLICY_REFUSED', message: /IMAGE_SIZE/ } as const;
  const stored = (): boolean =>
    existsSync(path.join(world.store, 'blobs/sha256', digest.slice('sha256:'.length)));
  for (const argv of [
    ['build', file],
    ['promote', file, '--outside', '--out', world.file('large.json')],
  ])
    await world.refused(t, [...argv, '--policy', policy], refusal);
  t.false(stored(), 'nothing of it was fetched');

  await world.json(t, 'build', ['build', file]);
  t.true(stored());
  for (const command of ['scan', 'sign']) {
    const error = await world.refused(t, [command, file, '--policy', policy], refusal);
    t.like(error.reasons, [{ code: 'IMAGE_SIZE', verdict: 'refused' }]);
    const { stderr } = await world.run(t, [command, file, '--policy', policy]);
    t.notRegex(stderr, /^scan /m, 'it was not scanned for that');
  }
});

test.serial(
  'names that nobody knows are told before anything is done, with those that are known',
  async (t) => {
    const { file } = world.image('names', { more: 'smoke: { command: "true", timeout: 10m }' });
    const release = world.file('names.json');
    await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
    const usage = { exitCode: 2, code: 'USAGE' } as const;
    for (const argv of [
      ['promote', file],
      ['promote', file, '--dry-run'],
      ['promote', '--inside', release],
      ['register', release],
      ['run', release],
      ['status', file],
    ]) {
      const error = await world.refused(t, [...argv, '--workspace', 'nowhere'], {
        ...usage,
        message: /has no workspace nowhere/,
      });
      t.regex(error.nextSteps.join(' '), /: risk\./);
    }
    const before =
      world.requests({ method: 'PUT' }) + world.requests({ method: 'POST', path: /importImage/ });
    for (const argv of [
      ['promote', file],
      ['promote', '--inside', release],
    ]) {
      const error = await world.refused(t, [...argv, '--compute', 'nothing'], {
        ...usage,
        message: /has no compute nothing/,
      });
      t.regex(error.nextSteps.join(' '), /cpu \(cpu-cluster\)/);
    }
    t.is(world.requests({ method: 'PUT' }) + world.requests({ method: 'POST', path: /importImage/ }), before);
  },
);

test.serial(
  'what the run would refuse is not planned, and nothing is begun that cannot be ended',
  async (t) => {
    const { file } = world.image('begun');
    const release = world.file('begun.json');
    await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
    const foreign = world.file('foreign.json');
    writeFileSync(
      foreign,
      readFileSync(release, 'utf8').replace('contosodev.azurecr.io', 'elsewhere.azurecr.io'),
    );
    for (const more of [[], ['--dry-run']])
      await world.refused(t, ['promote', '--inside', foreign, ...more], {
        exitCode: 10,
        code: 'ROUTE_NOT_APPROVED',
      });
    for (const zones of [world.zones.outside, world.zones.inside])
      for (const more of [[], ['--dry-run']])
        await world.refused(t, ['promote', file, '--zones', zones, ...more], {
          exitCode: 2,
          code: 'USAGE',
          message: /no access for the (?:non)?sensitive zone/,
        });

    const key = path.join(world.directory, 'inside/key.pem');
    renameSync(key, `${key}.away`);
    t.teardown(() => {
      renameSync(`${key}.away`, key);
    });
    const { file: next } = world.image('never-begun');
    const before = world.requests({ method: 'PUT' });
    await world.refused(t, ['promote', next], {
      exitCode: 2,
      code: 'KEY_MISSING',
      message: /inside\/key\.pem/,
    });
    await world.refused(t, ['promote', '--inside', release], { exitCode: 2, code: 'KEY_MISSING' });
    t.is(world.requests({ method: 'PUT' }), before);
  },
);

test.serial('status takes a release.json by what it is, not by its name', async (t) => {
  const { file } = world.image('renamed');
  const release = world.file('renamed.txt');
  await world.json(t, 'promote', ['promote', file, '--outside', '--out', release]);
  const manifest = world.file('manifest.json');
  writeFileSync(manifest, readFileSync(file, 'utf8').replace('oci:./', `oci:${path.dirname(file)}/`));
  for (const argument of [release, manifest, file]) {
    const { name, outside } = await world.json(t, 'status', ['status', argument]);
    t.is(name, 'renamed');
    t.true(typeof outside === 'object' && outside.releases.length === 1, argument);
  }
});

test.serial('a folder in place of an image manifest: where folders are named', async (t) => {
  const error = await world.refused(t, ['promote', world.directory], {
    exitCode: 2,
    code: 'MANIFEST_INVALID',
    message: /is a directory/,
  });
  t.regex(error.nextSteps.join(' '), /oci:\.\/DIR@sha256/);
});
