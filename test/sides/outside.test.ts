import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { annotations, mediaTypes } from '../../src/domain/media-types.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { encodeManifest, parseManifest } from '../../src/oci/manifest.ts';
import { openStore } from '../../src/oci/store/store.ts';
import { promoteOutside } from '../../src/sides/promote.ts';
import { attestation, pushChild } from '../support/index-children.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import { finding, gap } from '../support/scan-reports.ts';
import { pushImage } from '../support/signed-release.ts';

const ground = await prepareGround();
const { repository } = ground.spec;

const gates: readonly (readonly [string, Partial<ScanReport>, ErrorCode])[] = [
  ['a finding above the gate', { findings: [finding()] }, 'POLICY_REFUSED'],
  ['incomplete coverage', { coverage: { components: 1, ecosystems: [], gaps: [gap] } }, 'INCONCLUSIVE'],
];
for (const [title, found, code] of gates) {
  test(`nothing leaves this machine: ${title}`, async (t) => {
    const world = memoryZones();
    const run = startRun(ground, world, { store: newStore(ground), found });
    const error = await t.throwsAsync(promoteOutside(run.outside, ground.spec), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, code);
    t.true(error.nextSteps.length > 0);
    t.deepEqual(world.dev.manifests(repository), []);
    t.false(world.dev.calls.some((call) => call.startsWith('push')));
  });
}

test('what the image itself shows is judged before it is scanned', async (t) => {
  const { image, ...rules } = ground.policy;
  const run = startRun(ground, memoryZones(), {
    store: newStore(ground),
    policy: { ...rules, image: { ...image, maxSize: 1 } },
  });
  const error = await t.throwsAsync(promoteOutside(run.outside, ground.spec), {
    instanceOf: AmlpromoteError,
    message: /IMAGE_SIZE/,
  });
  t.is(error.code, 'POLICY_REFUSED');
  t.regex(error.nextSteps.join(' '), /image\.maxSize/);
  t.deepEqual(
    run.events.flatMap((event) => (event.type === 'started' ? event.step : [])),
    ['build'],
  );
});

test('find: what build would give, and what to do when it would have to build', async (t) => {
  const world = memoryZones();
  const { outside } = startRun(ground, world, { store: newStore(ground) });
  const error = await t.throwsAsync(outside.find(ground.spec), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.nextSteps.join(' '), /amlpromote build/);
  const built = await outside.build(ground.spec);
  const found = await outside.find(ground.spec);
  t.is(found.image.digest, built.image.digest);
  t.is(found.buildKey, built.buildKey);
  t.is(found.repository, repository);
  t.is(world.engine.builds, 1);
});

test('another machine takes over what the registry has, when this zone’s policy vouches for it', async (t) => {
  const world = memoryZones();
  const first = await promoteOutside(
    startRun(ground, world, { store: newStore(ground) }).outside,
    ground.spec,
  );
  const elsewhere = startRun(ground, world, { store: newStore(ground) });
  const { build, scan, release } = await promoteOutside(elsewhere.outside, ground.spec);
  t.is(build.location, 'registry');
  t.is(build.image.digest, first.build.image.digest);
  t.is(world.engine.builds, 1);
  t.is(scan.platforms.length, 1);
  // What is published is the evidence, whatever a store holds.
  t.deepEqual(release.document, first.release.document);
  t.true(release.already);
});

test('a kept store on a fresh runner: everything is made again there, and promoted', async (t) => {
  const world = memoryZones();
  const store = newStore(ground);
  const first = startRun(ground, world, { store, machine: 'one' });
  const { image, buildKey } = await first.outside.build(ground.spec);
  await first.outside.scan({ repository, image });
  const second = startRun(ground, world, { store, machine: 'two' });
  const error = await t.throwsAsync(second.outside.find(ground.spec), { instanceOf: AmlpromoteError });
  t.is(error.code, 'NOT_FOUND');
  const { build, scan, release } = await promoteOutside(second.outside, ground.spec);
  t.is(build.buildKey, buildKey);
  t.false(build.already);
  t.is(world.engine.builds, 2);
  t.false(scan.platforms[0]?.already);
  t.false(release.already);
  t.true(second.events.some((event) => event.type === 'note' && event.message.includes('this machine')));
});

test('sign scans again what another machine has scanned, and does not sign what another has built', async (t) => {
  const world = memoryZones();
  const store = newStore(ground);
  const first = startRun(ground, world, { store, machine: 'one' });
  const { image } = await first.outside.build(ground.spec);
  await first.outside.scan({ repository, image });
  await first.outside.publish({ repository, image });
  const second = startRun(ground, world, { store, machine: 'two' });
  const error = await t.throwsAsync(second.outside.sign({ repository, image }), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'INCONCLUSIVE');
  t.regex(error.message, /build facts/);
  const built = await second.outside.build(ground.spec);
  const subject = { repository, image: built.image };
  await second.outside.publish(subject);
  const signed = await second.outside.sign(subject);
  t.is(signed.signatures.length, 4);
  t.true(second.events.some((event) => event.type === 'note' && event.message.includes('scanned again')));
});

test('threat 11: an image that somebody pushed under the build tag is not taken for ours', async (t) => {
  const honest = await promoteOutside(
    startRun(ground, memoryZones(), { store: newStore(ground) }).outside,
    ground.spec,
  );
  const { buildKey = '', image } = honest.build;
  const world = memoryZones();
  const target = world.dev.repository(repository);
  const evil = parseManifest((await target.manifest((await pushImage(target, 'evil')).digest))!);
  const tag = `build-${buildKey.slice(0, 12)}`;
  const forged = encodeManifest({ ...evil, annotations: { [annotations.buildKey]: buildKey } });
  await target.pushManifest(forged, tag);
  const { build, release } = await promoteOutside(
    startRun(ground, world, { store: newStore(ground) }).outside,
    ground.spec,
  );
  t.is(build.location, 'store');
  t.is(build.image.digest, image.digest);
  t.is((await target.resolve(tag))?.digest, image.digest);
  t.is(release.image.digest, image.digest);
});

test('an image index is scanned by platform, hidden ones too; what only documents the build is not', async (t) => {
  const world = memoryZones();
  const directory = newStore(ground);
  const target = (await openStore(directory)).repository(repository);
  const platform = await pushImage(target);
  const note = await pushChild(target, attestation);
  const hidden = await pushImage(target, 'hidden', { os: 'unknown', architecture: 'unknown' });
  const index = encodeManifest({
    mediaType: mediaTypes.ociIndex,
    manifests: [
      { ...platform, platform: { os: 'linux', architecture: 'amd64' } },
      { ...note, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...hidden, platform: { os: 'unknown', architecture: 'unknown' } },
    ],
  });
  await target.pushManifest(index);
  const { outside } = startRun(ground, world, { store: directory });
  const { platforms } = await outside.scan({ repository, image: index.descriptor });
  t.deepEqual(
    platforms.map(({ image }) => image.digest),
    [platform.digest, hidden.digest],
  );
});

test('scan reads from the registry what this machine does not have', async (t) => {
  const world = memoryZones();
  const image = await pushImage(world.dev.repository(repository));
  const { outside } = startRun(ground, world, { store: newStore(ground) });
  const { platforms } = await outside.scan({ repository, image });
  t.is(platforms[0]?.decision.verdict, 'allowed');
});

test('release alone signs what is not signed yet, and says what sign said', async (t) => {
  const world = memoryZones();
  const { outside } = startRun(ground, world, { store: newStore(ground) });
  const { image, buildKey } = await outside.build(ground.spec);
  const subject = { repository, image, ...(buildKey === undefined ? {} : { buildKey }) };
  await outside.scan(subject);
  await outside.publish(subject);
  const released = await outside.release(ground.spec, subject);
  t.false(released.already);
  const signed = await outside.sign(subject);
  t.true(signed.already);
  const again = await outside.release(ground.spec, subject, signed);
  t.true(again.already);
  t.deepEqual(again.document, released.document);
});
