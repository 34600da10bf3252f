import { readFileSync } from 'node:fs';
import test from 'ava';
import { registries, workspace } from '../../sandbox/topology.ts';
import { startTwoZones } from '../support/two-zones.ts';
import type { TwoZones } from '../support/two-zones.ts';

let world: TwoZones;
test.before(async () => {
  world = await startTwoZones();
});
test.after.always(() => world.close());

const { host: devHost } = registries.nonsensitive;
const { host: secHost } = registries.sensitive;

test.serial('each step by itself, from a layout on disk to a registered environment', async (t) => {
  const { file, digest } = world.image('steps');
  const release = world.file('steps.json');
  const reference = `${devHost}/ml/steps@${digest}`;

  const built = await world.json(t, 'build', ['build', file]);
  t.like(built, { version: '1.4.0', location: 'store', platform: 'linux/amd64', already: false });
  t.like(built.image, { name: 'steps', repository: 'ml/steps', digest });

  const scanned = await world.json(t, 'scan', ['scan', file]);
  t.like(scanned, { verdict: 'allowed', components: 1, findings: [], gaps: [], already: false });
  t.regex(scanned.database.label ?? '', /^FIXTURE/);

  const published = await world.json(t, 'publish', ['publish', file]);
  t.like(published, { reference, already: false });
  t.true(published.bytes > 0);

  const signed = await world.json(t, 'sign', ['sign', file]);
  t.deepEqual(
    signed.signatures.map(({ role, already }) => [role, already]),
    ['signature', 'sbom', 'scan', 'provenance'].map((role) => [role, false]),
  );

  const released = await world.json(t, 'release', ['release', file, '--out', release]);
  t.like(released.release, { name: 'steps', version: '1.4.0', counter: 1, file: release, already: false });
  t.is(
    (JSON.parse(readFileSync(release, 'utf8')) as { index: { digest: string } }).index.digest,
    released.release.digest,
  );

  const imported = await world.json(t, 'import', ['import', release]);
  t.like(imported, { route: 'acr-import', already: false });
  t.like(imported.delivered, { reference: `${secHost}/ml/steps@${digest}`, digest, tag: '1.4.0' });
  t.is(imported.receipt.verdict, 'allowed');
  t.true(imported.transfers > 0);

  const verified = await world.json(t, 'verify', ['verify', release]);
  t.is(verified.verdict, 'allowed');
  t.is(verified.subject, `${secHost}/ml/steps@${released.release.digest}`);

  const registered = await world.json(t, 'register', ['register', release]);
  t.like(registered.environment, {
    id: `${workspace.id}/environments/steps/versions/1.4.0`,
    image: `${secHost}/ml/steps@${digest}`,
    workspace: 'risk',
    already: false,
  });

  for (const [argv, already] of [
    [['build', file], (await world.json(t, 'build', ['build', file])).already],
    [['scan', file], (await world.json(t, 'scan', ['scan', file])).already],
    [['publish', file], (await world.json(t, 'publish', ['publish', file])).already],
    [['sign', file], (await world.json(t, 'sign', ['sign', file])).already],
    [['release'], (await world.json(t, 'release', ['release', file, '--out', release])).release.already],
    [['import'], (await world.json(t, 'import', ['import', release])).already],
    [['register'], (await world.json(t, 'register', ['register', release])).environment.already],
  ] as const)
    t.true(already, `${argv.join(' ')} is not done already the second time`);
});
