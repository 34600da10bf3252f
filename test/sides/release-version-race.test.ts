import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import { promoteOutside } from '../../src/sides/promote.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones } from '../support/memory-zones.ts';

/** Two runners release one version with different images at the same time (threat 38). */
const ground = await prepareGround();
const { repository } = ground.spec;

const withArgs = (args: Readonly<Record<string, string>>): ImageSpec => {
  const { source } = ground.spec;
  if (source.kind !== 'build') throw new Error('the sample is built');
  return { ...ground.spec, source: { ...source, args } };
};

type Outcome = number | AmlpromoteError;

async function outcomeOf(
  world: MemoryZones,
  args: Readonly<Record<string, string>>,
  hook?: () => Promise<void>,
) {
  const run = startRun(ground, world, { store: newStore(ground) });
  let claimed = false;
  run.life.onWrite(async (write) => {
    if (claimed) await hook?.();
    if (/^dev\.pushManifest \S+ release-1\b/.test(write)) claimed = true;
  });
  try {
    return (await promoteOutside(run.outside, withArgs(args))).release.document.release;
  } catch (error) {
    if (error instanceof AmlpromoteError) return error;
    throw error;
  }
}

test('threat 38: one version, two images, the one at any write of the other after its claim: one release', async (t) => {
  for (let at = 1; ; at += 1) {
    const world = memoryZones();
    let writes = 0;
    let second: Outcome | undefined;
    const first = await outcomeOf(world, { OTHER: '1' }, async () => {
      writes += 1;
      if (writes === at) second = await outcomeOf(world, { OTHER: '2' });
    });
    if (second === undefined) {
      t.true(at > 2);
      return;
    }
    const outcomes = [first, second];
    const refused = outcomes.filter((one) => one instanceof AmlpromoteError);
    t.is(refused.length, 1, `write ${at}: ${outcomes.map(String).join('; ')}`);
    t.is(refused[0]?.code, 'VERSION_CONFLICT');
    // The one that was refused does not get it later either.
    const again = await outcomeOf(world, { OTHER: first instanceof AmlpromoteError ? '1' : '2' });
    t.true(again instanceof AmlpromoteError && again.code === 'VERSION_CONFLICT', String(again));
  }
});

test('an unsigned release of the version, as anybody could tag one, is waited for a little and binds nobody', async (t) => {
  const world = memoryZones();
  const dev = world.dev.repository(repository);
  const elsewhere = memoryZones();
  const other = await promoteOutside(
    startRun(ground, elsewhere, { store: newStore(ground) }).outside,
    withArgs({ OTHER: '2' }),
  );
  const junk = await elsewhere.dev.repository(repository).manifest(other.release.document.index.digest);
  world.dev.putManifest(repository, junk!, 'release-1');
  const before = world.clock.now().getTime();
  t.is(await outcomeOf(world, { OTHER: '1' }), 2);
  t.true(world.clock.now().getTime() - before < 30_000);
  t.is((await dev.resolve('release-1'))?.digest, junk!.descriptor.digest);
});
