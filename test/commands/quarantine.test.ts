import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

/** What a refused import leaves in quarantine: told, listed, removed; over the sandbox's registry, with ACR's own API. */
let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());

test.serial(
  'refused: told with its digest; status lists it with its age; --discard removes it',
  async (t) => {
    const image = world.image('left');
    const file = world.file('left.json');
    await world.json(t, 'promote', ['promote', image.file, '--outside', '--out', file]);
    const document = JSON.parse(readFileSync(file, 'utf8')) as ReleaseDocument;
    const policy = path.join(world.directory, 'inside/policy.yaml');
    const before = readFileSync(policy, 'utf8');
    writeFileSync(policy, before.replace('forbidRoot: false', 'forbidRoot: true'));
    const { nextSteps } = await world.refused(t, ['import', file], {
      exitCode: 10,
      code: 'POLICY_REFUSED',
      message: new RegExp(`left in quarantine/ml/left, .*${document.index.digest}`),
    });
    t.regex(nextSteps.join(' '), /import --discard/);
    writeFileSync(policy, before);

    const { inside } = await world.json(t, 'status', ['status', file]);
    const waiting = typeof inside === 'object' ? inside.quarantine : undefined;
    t.true(Array.isArray(waiting));
    t.like(waiting?.[0], { digest: document.index.digest, release: { counter: 1, version: '1.4.0' } });
    t.is(waiting?.length, 1, JSON.stringify(waiting));
    const told = await world.run(t, ['status', file]);
    t.regex(told.stdout, /quarantine\s+release 1, 1\.4\.0, sha256:[0-9a-f]{64} since \d{4}-\S+ \(0 hours\)/);

    const discarded = await world.json(t, 'import-discard', ['import', file, '--discard']);
    t.false(discarded.already);
    t.is(discarded.quarantine, 'quarantine/ml/left');
    t.true(discarded.removed.length >= 6);
    const left = world.sandbox.context.stores.sensitive.repository('quarantine/ml/left');
    t.deepEqual(Object.keys(left?.data.manifests ?? {}), []);
    t.true((await world.json(t, 'import-discard', ['import', file, '--discard'])).already);

    // It can be imported all the same.
    t.false((await world.json(t, 'import', ['import', file])).already);
    const after = await world.json(t, 'status', ['status', file]);
    t.deepEqual(typeof after.inside === 'object' && after.inside.quarantine, []);
  },
);

test.serial('threat 48: an unsigned release brings nothing but what it calls its signatures', async (t) => {
  const image = world.image('unsigned');
  const file = world.file('unsigned.json');
  await world.json(t, 'promote', ['promote', image.file, '--outside', '--out', file]);
  const document = JSON.parse(readFileSync(file, 'utf8')) as ReleaseDocument;
  const changed = { ...document, index: { ...document.index, size: document.index.size + 1 } };
  writeFileSync(file, JSON.stringify(changed));
  await world.refused(t, ['import', file], { exitCode: 10, code: 'SIGNATURE_INVALID' });
  const left = world.sandbox.context.stores.sensitive.repository('quarantine/ml/unsigned');
  t.deepEqual(Object.keys(left?.data.manifests ?? {}), [...document.signatures]);
});

test.serial('threat 45: junk under a high release tag does not raise the counter', async (t) => {
  const image = world.image('counted');
  const first = await world.json(t, 'promote', [
    'promote',
    image.file,
    '--outside',
    '--out',
    world.file('counted.json'),
  ]);
  const stored = world.sandbox.context.stores.nonsensitive.repository('ml/counted')!;
  stored.putTag('release-999999998', image.digest);
  stored.putTag('release-2', first.release!.digest as Parameters<typeof stored.putTag>[1]);
  const second = world.image('counted', { version: '1.5.0', files: { 'app/x': 'second' } });
  const { release } = await world.json(t, 'promote', [
    'promote',
    second.file,
    '--outside',
    '--out',
    world.file('counted-2.json'),
  ]);
  t.is(release?.counter, 3);
  const status = await world.json(t, 'status', ['status', second.file]);
  t.deepEqual(
    typeof status.outside === 'object' ? status.outside.releases.map(({ counter }) => counter) : [],
    [3, 1],
  );
});
