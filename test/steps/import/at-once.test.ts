import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { violationsOf } from '../../support/final-repository.ts';
import { importWorld, keysAndPolicy, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { interleaved } from '../../support/interleaved.ts';
import { mortalLife } from '../../support/mortal.ts';
import type { ReleaseOptions, SignedRelease } from '../../support/signed-release.ts';

/** Imports that meet in any order of their requests leave no tag that verification would refuse (threat 38). */
const { policy } = await keysAndPolicy();

type Outcome = 'done' | AmlpromoteError;

const outcomeOf = async (work: Promise<unknown>): Promise<Outcome> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof AmlpromoteError) return error;
    throw error;
  }
};

/** The newest of what is tagged stands; each older tag stood when it was set. */
async function checkFinal(t: ExecutionContext, world: ImportWorld, releases: readonly SignedRelease[]) {
  const tags = await world.tags();
  const tagged = releases.filter(
    ({ index, document }) => tags[`release-${document.release}`] === index.digest,
  );
  const counters = Object.keys(tags).filter((tag) => tag.startsWith('release-'));
  t.is(counters.length, tagged.length, `a release tag names none of these releases: ${JSON.stringify(tags)}`);
  for (const { document, image, index } of tagged) {
    t.is(tags[document.version], image.digest, `${document.version} is not the image of its release`);
    const receipts = await world.receipts();
    t.true(receipts.some(({ release }) => release.index === index.digest));
  }
  const newest = Math.max(...tagged.map(({ document }) => document.release));
  // Of several releases of one image `violationsOf` asks about any one that has a receipt.
  const older = releases.filter(({ document }) => document.release < newest);
  const excused = new Set(older.flatMap(({ document }) => [`release-${document.release}`, document.version]));
  const violations = await violationsOf(world, repository, policy);
  t.deepEqual(
    violations.filter((one) => {
      const tag = /^verify refuses (.+)$/.exec(one)?.[1];
      return tag === undefined || !excused.has(tag);
    }),
    [],
  );
  return tagged;
}

type Pair = readonly [Partial<ReleaseOptions>, Partial<ReleaseOptions>];

const pairs: readonly (readonly [string, Pair, { readonly winners: readonly number[] }])[] = [
  ['two images with one version', [{ flavour: 'a' }, { flavour: 'b', counter: 8 }], { winners: [1] }],
  [
    'two indexes with one counter',
    [{}, { report: { finishedAt: '2026-11-21T10:30:00Z' } }],
    { winners: [1] },
  ],
  ['two versions with one counter', [{ flavour: 'a' }, { flavour: 'b', version: '1.5.0' }], { winners: [1] }],
  [
    'a release and the next one',
    [{ flavour: 'a' }, { flavour: 'b', version: '1.5.0', counter: 8 }],
    { winners: [1, 2] },
  ],
  [
    'one image under two counters',
    [{}, { counter: 8, report: { finishedAt: '2026-11-21T10:30:00Z' } }],
    { winners: [1, 2] },
  ],
];

async function worldWith(pair: Pair): Promise<{ world: ImportWorld; releases: readonly SignedRelease[] }> {
  const world = await importWorld();
  const releases: SignedRelease[] = [];
  for (const options of pair) releases.push(await world.release(options));
  return { world, releases };
}

/** What may be said to the one that was too late. */
const losing = new Set(['TAG_CONFLICT', 'ROLLBACK', 'INCONCLUSIVE']);

async function check(
  t: ExecutionContext,
  world: ImportWorld,
  releases: readonly SignedRelease[],
  outcomes: readonly Outcome[],
  winners: readonly number[],
): Promise<void> {
  const said = outcomes.map(String).join('; ');
  for (const outcome of outcomes) t.true(outcome === 'done' || losing.has(outcome.code), said);
  const tagged = await checkFinal(t, world, releases);
  releases.forEach((release, at) => {
    if (outcomes[at] !== 'done') return;
    t.true(tagged.includes(release), said);
    for (const tag of [`release-${release.document.release}`, release.document.version])
      t.true(world.locks.locked.has(`${repository}:${tag}`), `${tag} is not locked: ${said}`);
  });
  t.true(winners.includes(outcomes.filter((outcome) => outcome === 'done').length), said);
}

for (const [what, pair, { winners }] of pairs) {
  test(`threat 38: ${what}, in any order of their requests`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { world, releases } = await worldWith(pair);
        const imports = releases.map(async ({ document }, at) => {
          const who = `import ${at}`;
          const { registry, importer, locks, clock } = world.ports;
          return outcomeOf(
            world.import(document, {
              registry: interleaved(scheduler, who, registry),
              importer: interleaved(scheduler, who, importer),
              locks: interleaved(scheduler, who, locks),
              clock: {
                now: () => clock.now(),
                sleep: async (...asked) => interleaved(scheduler, who, clock).sleep(...asked),
              },
            }),
          );
        });
        const outcomes = await scheduler.waitFor(Promise.all(imports));
        await check(t, world, releases, outcomes, winners);
        // Whoever runs again learns the same, or is done.
        for (const [at, { document }] of releases.entries()) {
          const again = await outcomeOf(world.import(document));
          t.true(again === 'done' || losing.has(again.code), String(again));
          if (again === 'done' && winners.length === 1)
            t.is(outcomes[at], 'done', 'who has lost does not win later');
        }
        await checkFinal(t, world, releases);
      }),
      { numRuns: 10 },
    );
  });

  test(`threat 38: ${what}, the one at any write of the other`, async (t) => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      for (let at = 1, writes = Infinity; at <= writes; at += 1) {
        const { world, releases } = await worldWith(pair);
        const [first, second] = [releases[order[0]]!, releases[order[1]]!];
        const life = mortalLife();
        let count = 0;
        let late: Outcome = 'done';
        life.onWrite(async () => {
          count += 1;
          if (count === at) late = await outcomeOf(world.import(second.document));
        });
        const { registry, importer, locks } = world.ports;
        const early = await outcomeOf(
          world.import(first.document, {
            registry: life.port('sec', registry),
            importer: life.port('importer', importer),
            locks: life.port('locks', locks),
          }),
        );
        writes = Math.min(writes, early === 'done' ? count : writes);
        if (count < at) break;
        await check(t, world, [first, second], [early, late], winners);
      }
    }
  });
}
