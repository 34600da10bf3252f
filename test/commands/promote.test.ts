import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { registries } from '../../sandbox/topology.ts';
import { endJobs } from '../support/played-compute.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());
test.afterEach.always(() => world.sandbox.faults.clear());

const { host: secHost } = registries.sensitive;
const smoke = [
  'smoke:',
  '  command: cat ${{inputs.data}}',
  '  inputs: { data: { type: uri_file, path: ./data.csv } }',
  '  outputs: { model: { type: uri_folder } }',
].join('\n');

/** An image with a smoke job, and its input. */
function imageWithSmoke(name: string): ReturnType<TwoZones['image']> {
  const image = world.image(name, { more: smoke });
  writeFileSync(path.join(path.dirname(image.file), 'data.csv'), 'a,b\n1,2\n');
  return image;
}

test.serial('over both sides: one document, progress on stderr, and nothing but the job again', async (t) => {
  const { file, digest } = imageWithSmoke('both');
  t.teardown(endJobs(world.sandbox, { output: 'accuracy=0.91\n' }));
  const first = await world.json(t, 'promote', ['promote', file]);
  t.like(first.image, { digest, version: '1.4.0' });
  t.is(first.scan?.verdict, 'allowed');
  t.is(first.signatures.length, 4);
  t.is(first.delivered?.reference, `${secHost}/ml/both@${digest}`);
  t.like(first.job, { status: 'Completed', score: 'accuracy=0.91' });
  t.false(first.release?.already);

  const uploads = world.requests({ method: 'PUT', path: /\/manifests\// });
  const imports = world.requests({ path: /\/importImage$/ });
  const { stdout, stderr, exitCode } = await world.run(t, ['promote', file, '--json']);
  t.is(exitCode, 0);
  const second = JSON.parse(stdout) as typeof first;
  t.is(second.release?.digest, first.release?.digest);
  t.is(second.receipt?.digest, first.receipt?.digest);
  t.true(second.release?.already);
  t.true(second.environment?.already);
  t.true(second.signatures.every(({ already }) => already));
  t.not(second.job?.name, first.job?.name);
  for (const step of ['build', 'scan', 'publish', 'sign', 'release', 'import', 'register'])
    t.regex(stderr, new RegExp(`^${step} +(?:= already done|\\+ done)`, 'm'));
  t.regex(stderr, /^run +\+ done/m);
  t.is(world.requests({ method: 'PUT', path: /\/manifests\// }), uploads, 'nothing is pushed again');
  t.is(world.requests({ path: /\/importImage$/ }), imports, 'nothing is imported again');
  t.false(existsSync('release.json'));
});

test.serial('for people: a block per image, nothing of it on stderr', async (t) => {
  const { file, digest } = world.image('people');
  const { exitCode, stdout, stderr } = await world.run(t, ['promote', file]);
  t.is(exitCode, 0);
  t.regex(stdout, /^image +people 1\.4\.0$/m);
  t.regex(stdout, /^verdict +allowed: 1 package, 0 findings$/m);
  t.regex(stdout, new RegExp(`^delivered +${secHost}/ml/people@${digest}$`, 'm'));
  t.notRegex(stderr, /^image +people/m);
});

test.serial(
  'in two processes only release.json passes: each side has its own zones, store and identity',
  async (t) => {
    const { file, digest } = world.image('apart');
    const release = world.file('apart.json');
    const outside = ['promote', file, '--outside', '--out', release, '--zones', world.zones.outside];
    const first = await world.json(t, 'promote', outside);
    t.is(first.release?.file, release);
    t.is(first.delivered, undefined);
    t.is(first.environment, undefined);
    const inside = ['promote', '--inside', release, '--zones', world.zones.inside];
    const elsewhere = { env: { AMLPROMOTE_STORE: world.file('inside-store') } };
    const second = await world.json(t, 'promote', inside, elsewhere);
    t.like(second.image, { name: 'apart', digest, version: '1.4.0' });
    t.is(second.scan, undefined);
    t.is(second.delivered?.reference, `${secHost}/ml/apart@${digest}`);
    t.is(second.release?.digest, first.release?.digest);
    t.false(second.environment?.already);
    t.false(existsSync(world.file('inside-store')), 'inside needs no store');

    t.true((await world.json(t, 'promote', outside)).release?.already);
    t.true((await world.json(t, 'promote', inside, elsewhere)).environment?.already);
  },
);

test.serial('a zones manifest of one side plans and begins nothing that it cannot end', async (t) => {
  const { file } = imageWithSmoke('one-sided');
  const usage = { exitCode: 2, code: 'USAGE', message: /has no access for the sensitive zone/ } as const;
  for (const more of [['--dry-run'], []]) {
    const { nextSteps } = await world.refused(
      t,
      ['promote', file, '--zones', world.zones.outside, ...more],
      usage,
    );
    t.true(nextSteps.length > 0);
  }
  t.is(
    (await world.run(t, ['promote', file, '--zones', world.zones.outside, '--outside', '--dry-run']))
      .exitCode,
    0,
  );
});

test.serial('--dry-run prints the plan and touches nothing', async (t) => {
  const { file } = imageWithSmoke('planned');
  const before = world.sandbox.events.recent().length;
  const store = world.file('unused-store');
  const env = { AMLPROMOTE_STORE: store };
  const release = world.file('planned.json');
  const { plan } = await world.json(t, 'plan', ['promote', file, '--dry-run', '--out', release], { env });
  t.deepEqual(
    plan.map(({ step, side }) => `${side} ${step}`),
    [
      ...['build', 'scan', 'publish', 'sign', 'release'].map((step) => `outside ${step}`),
      ...['import', 'register', 'run'].map((step) => `inside ${step}`),
    ],
  );
  const outside = await world.json(t, 'plan', ['promote', file, '--dry-run', '--outside'], { env });
  t.true(outside.plan.every(({ side }) => side === 'outside'));
  const text = await world.run(t, ['promote', file, '--dry-run'], env);
  t.regex(text.stdout, /^planned +import +inside +carry by acr-import/m);
  t.is(world.sandbox.events.recent().length, before, 'no request was made');
  t.false(existsSync(store));
  t.false(existsSync(release));
});

test.serial('over both sides takes no policy and no key: each side has its own', async (t) => {
  const { file } = world.image('refusing');
  for (const [argv, env] of [
    [['--policy', 'policy.yaml'], {}],
    [['--key', 'key.pem'], {}],
    [['--certificate', 'cert.pem'], {}],
    [[], { AMLPROMOTE_POLICY: 'policy.yaml' }],
  ] as const)
    await world.refused(t, ['promote', file, ...argv], { exitCode: 2, code: 'USAGE' }, env);
});

test.serial('what does not go together is refused before anything is done', async (t) => {
  const { file } = world.image('together');
  const usage = { exitCode: 2, code: 'USAGE' } as const;
  const before = world.sandbox.events.recent().length;
  await world.refused(t, ['promote'], usage);
  await world.refused(t, ['promote', '--outside'], usage);
  await world.refused(t, ['promote', file, '--inside', 'release.json'], usage);
  await world.refused(t, ['promote', file, '--inside', world.file('no.json')], usage);
  await world.json(t, 'error', ['promote', file, '--outside', '--inside', 'release.json'], { exitCode: 2 });
  await world.refused(t, ['promote', '--inside', world.file('no.json')], {
    exitCode: 2,
    code: 'MANIFEST_INVALID',
  });
  // A typing error in the second manifest costs no build of the first.
  await world.refused(t, ['promote', file, world.file('no.yaml')], {
    exitCode: 2,
    code: 'MANIFEST_INVALID',
  });
  t.is(world.sandbox.events.recent().length, before);
});

test.serial('what cannot end well is refused before anything is built', async (t) => {
  const { file } = world.image('hopeless');
  const elsewhere = world.image('hopeless-elsewhere', { repository: 'other/hopeless' });
  const before = world.requests();
  const key = { exitCode: 2, code: 'KEY_MISSING' } as const;
  const outside = ['promote', file, '--outside', '--out', world.file('hopeless.json')];
  await world.refused(t, outside, key, { AMLPROMOTE_KEY: world.file('no.pem') });
  const refusal = { exitCode: 10, code: 'NOT_ADMITTED', message: /other\/hopeless/ } as const;
  await world.refused(t, ['promote', elsewhere.file], refusal);
  t.is(world.requests(), before, 'no request was made');
});

test.serial(
  'several images: a result for each in the order given; a refusal wins over "could not check"',
  async (t) => {
    const good = world.image('many-good');
    const vulnerable = world.image('many-refused', { packages: { apt: '2.4.0' } });
    const uncovered = world.image('many-unknown', { files: { 'lib/apk/db/installed': 'P:musl\nV:1\n\n' } });
    const both = ['promote', uncovered.file, good.file];
    const { results } = await world.json(t, 'promote-many', both, { exitCode: 20 });
    t.is(results.length, 2);
    t.like(results[0], { image: { name: 'many-unknown' }, error: { code: 'INCONCLUSIVE' } });
    t.like(results[1], { image: { name: 'many-good', digest: good.digest } });

    const three = ['promote', uncovered.file, vulnerable.file, good.file];
    const mixed = await world.json(t, 'promote-many', three, { exitCode: 10 });
    t.deepEqual(
      mixed.results.map((result) => ('error' in result ? result.error.code : 'done')),
      ['INCONCLUSIVE', 'POLICY_REFUSED', 'done'],
    );
    const { stdout, exitCode } = await world.run(t, three);
    t.is(exitCode, 10);
    t.regex(stdout, /^image +many-refused\nfailed +POLICY_REFUSED$/m);
  },
);

test.serial('several images in two processes: a release.json for each, several --inside', async (t) => {
  const images = ['pair-a', 'pair-b'].map((name) => world.image(name).file);
  const out = world.file('handover/release.json');
  const outside = await world.json(t, 'promote-many', ['promote', ...images, '--outside', '--out', out]);
  const files = outside.results.map((result) => ('error' in result ? '' : (result.release?.file ?? '')));
  t.deepEqual(
    files,
    ['pair-a', 'pair-b'].map((name) => world.file(`handover/${name}.release.json`)),
  );
  const inside = await world.json(t, 'promote-many', [
    'promote',
    ...files.flatMap((file) => ['--inside', file]),
    '--zones',
    world.zones.inside,
  ]);
  t.true(inside.results.every((result) => !('error' in result) && result.environment !== undefined));
});
