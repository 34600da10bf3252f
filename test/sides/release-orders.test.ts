import test from 'ava';
import fc from 'fast-check';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ImageSpec } from '../../src/manifest/image.ts';
import { promoteOutside } from '../../src/sides/promote.ts';
import { interleaved } from '../support/interleaved.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones } from '../support/memory-zones.ts';

/** Runners that release at the same time, in any order of their requests to the registry and its locks (threat 38). */
const ground = await prepareGround();
const { repository, source } = ground.spec;
if (source.kind !== 'build') throw new Error('the sample is built');

interface Wanted {
  readonly version: string;
  /** Makes it another image. */
  readonly other: string;
}

interface Made {
  readonly counter: number;
  readonly index: Digest;
  readonly image: Digest;
  readonly version: string;
}

const specOf = ({ version, other }: Wanted): ImageSpec => ({
  ...ground.spec,
  version,
  source: { ...source, args: { OTHER: other } },
});

async function race(
  scheduler: fc.Scheduler,
  world: MemoryZones,
  wanted: readonly Wanted[],
): Promise<readonly (Made | AmlpromoteError)[]> {
  const runs = wanted.map(async (one, at) => {
    const who = `runner ${at}`;
    const { outside } = startRun(
      ground,
      { ...world, devLocks: { ...world.devLocks, ...interleaved(scheduler, who, world.devLocks) } },
      {
        store: newStore(ground),
        machine: who,
        dev: (registry) => interleaved(scheduler, who, registry),
      },
    );
    try {
      const { release } = await promoteOutside(outside, specOf(one));
      const { release: counter, index, version } = release.document;
      return { counter, version, index: index.digest, image: release.image.digest };
    } catch (error) {
      if (error instanceof AmlpromoteError) return error;
      throw error;
    }
  });
  return await scheduler.waitFor(Promise.all(runs));
}

const cases: readonly (readonly [string, readonly Wanted[]])[] = [
  ['three promotions of one image', ['1.4.0', '1.4.0', '1.4.0'].map((version) => ({ version, other: 'a' }))],
  ['four versions', ['1.4.0', '1.4.1', '1.4.2', '1.4.3'].map((version) => ({ version, other: 'a' }))],
  ['one version, two images', ['a', 'b'].map((other) => ({ version: '1.4.0', other }))],
  ['one version, three images', ['a', 'b', 'c'].map((other) => ({ version: '1.4.0', other }))],
];

for (const [what, wanted] of cases) {
  test(`${what}: a counter names one index, a version one image`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const world = memoryZones();
        const outcomes = await race(scheduler, world, wanted);
        const said = outcomes.map((one) =>
          one instanceof AmlpromoteError ? String(one) : JSON.stringify(one),
        );
        const made = outcomes.filter((one): one is Made => !(one instanceof AmlpromoteError));
        for (const one of outcomes)
          if (one instanceof AmlpromoteError) t.is(one.code, 'VERSION_CONFLICT', said.join('\n'));
        for (const { counter, index } of made)
          t.is(
            (await world.dev.repository(repository).resolve(`release-${counter}`))?.digest,
            index,
            said.join('\n'),
          );
        const images = new Map<string, Set<Digest>>();
        for (const { version, image } of made)
          images.set(version, (images.get(version) ?? new Set<Digest>()).add(image));
        for (const [version, all] of images) t.is(all.size, 1, `${version}: ${said.join('\n')}`);
        if (new Set(wanted.map(({ other }) => other)).size === 1)
          t.is(made.length, wanted.length, said.join('\n'));
        t.true(made.length > 0, said.join('\n'));
      }),
      { numRuns: 6 },
    );
  });
}
