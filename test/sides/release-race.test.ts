import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { Registry, Repository } from '../../src/ports/content.ts';
import { promoteOutside } from '../../src/sides/promote.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones, RunOptions } from '../support/memory-zones.ts';

/** Runners that release at the same time: whatever the order of their requests, a counter names one index. */
const ground = await prepareGround();
const { repository } = ground.spec;

/** Every request takes some turns of the event loop, by a fixed sequence. */
function jittery(registry: Registry, seed: number): Registry {
  let state = seed;
  const turns = async (): Promise<void> => {
    state = (state * 48_271) % 2_147_483_647;
    for (let left = state % 7; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    host: registry.host,
    repository: (name) =>
      new Proxy(registry.repository(name), {
        get: (target, key: keyof Repository) => {
          const member: unknown = Reflect.get(target, key);
          if (typeof member !== 'function') return member;
          return async (...asked: unknown[]) => {
            await turns();
            const answer: unknown = await (member as (...all: unknown[]) => unknown)(...asked);
            await turns();
            return answer;
          };
        },
      }),
  };
}

/** The clock of these worlds stands still; who waits on it must let the others go on all the same. */
const patient = (world: MemoryZones): MemoryZones => ({
  ...world,
  clock: {
    ...world.clock,
    sleep: async (...asked) => {
      await world.clock.sleep(...asked);
      for (let left = 50; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
    },
  },
});

interface Made {
  readonly counter: number;
  readonly index: string;
  readonly version: string;
}

async function race(
  world: MemoryZones,
  versions: readonly string[],
  seed: number,
  options: Partial<RunOptions> = {},
): Promise<readonly Made[]> {
  return await Promise.all(
    versions.map(async (version, at) => {
      const { outside } = startRun(ground, patient(world), {
        store: newStore(ground),
        machine: `runner ${at}`,
        dev: (registry) => jittery(registry, seed * 31 + at),
        ...options,
      });
      const { release } = await promoteOutside(outside, { ...ground.spec, version });
      return {
        counter: release.document.release,
        index: release.document.index.digest,
        version,
      };
    }),
  );
}

async function checkTags(
  world: MemoryZones,
  made: readonly Made[],
  t: { is: (a: unknown, b: unknown) => void },
) {
  for (const { counter, index } of made)
    t.is((await world.dev.repository(repository).resolve(`release-${counter}`))?.digest, index);
}

for (const [what, locks] of [
  ['with locks', {}],
  ['where locks cannot be had', { noDevLocks: true }],
] as const) {
  test(`three promotions of one image at once: a counter names one index, ${what}`, async (t) => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const world = memoryZones();
      const made = await race(world, ['1.4.0', '1.4.0', '1.4.0'], seed, locks);
      const byCounter = new Map(made.map(({ counter, index }) => [counter, index]));
      t.true(
        made.every(({ counter, index }) => byCounter.get(counter) === index),
        `seed ${seed}`,
      );
      await checkTags(world, made, t);
      // And then there is one to go on with.
      const [after] = await race(world, ['1.4.0'], seed, locks);
      const [again] = await race(world, ['1.4.0'], seed + 1, locks);
      t.deepEqual(again, after, `seed ${seed}`);
    }
  });

  test(`four versions at once have four counters, ${what}`, async (t) => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const world = memoryZones();
      const made = await race(world, ['1.4.0', '1.4.1', '1.4.2', '1.4.3'], seed, locks);
      t.is(new Set(made.map(({ counter }) => counter)).size, 4, `seed ${seed}`);
      await checkTags(world, made, t);
    }
  });
}

test('a version that exists with another image is refused before anything is built, however old it is', async (t) => {
  const world = memoryZones();
  await race(world, ['1.4.0'], 1);
  await race(world, ['1.5.0'], 1);
  const builds = world.engine.builds;
  const { outside } = startRun(ground, world, { store: newStore(ground) });
  const { source } = ground.spec;
  if (source.kind !== 'build') throw new Error('the sample is built');
  const other = { ...ground.spec, version: '1.4.0', source: { ...source, args: { OTHER: '1' } } };
  const error = await t.throwsAsync(promoteOutside(outside, other), { instanceOf: AmlpromoteError });
  t.is(error.code, 'VERSION_CONFLICT');
  t.is(world.engine.builds, builds);
  t.is((await promoteOutside(outside, { ...other, version: '1.6.0' })).release.document.release, 3);
});

test('a runner whose very index another one has tagged and locked meanwhile goes on with it', async (t) => {
  const world = memoryZones();
  await race(world, ['1.4.0'], 1);
  const spec = { ...ground.spec, version: '1.5.0' };
  const start = () => startRun(ground, world, { store: newStore(ground), machine: 'same' });
  const [late, early] = [start(), start()];
  let overtaken = false;
  late.life.onWrite(async (write) => {
    if (overtaken || !/^dev\.pushManifest \S+ release-2\b/.test(write)) return;
    overtaken = true;
    await promoteOutside(early.outside, spec);
  });
  const { release } = await promoteOutside(late.outside, spec);
  t.true(overtaken);
  t.is(release.document.release, 2);
  t.is(
    (await promoteOutside(start().outside, spec)).release.document.index.digest,
    release.document.index.digest,
  );
});
