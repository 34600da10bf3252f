import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { listedReceipts } from '../../../src/evidence/receipts.ts';
import type { ReleaseDocument } from '../../../src/domain/release.ts';
import { importWorld, keysAndPolicy, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { mortalLife } from '../../support/mortal.ts';
import { testPolicy } from '../../support/signed-release.ts';

/** An import that another one overtakes right before its `at`-th write. @returns how many writes it made */
async function overtaken(
  world: ImportWorld,
  document: ReleaseDocument,
  at: number,
  other: () => Promise<unknown>,
): Promise<number> {
  const life = mortalLife();
  let writes = 0;
  life.onWrite(async () => {
    writes += 1;
    if (writes === at) await other();
  });
  const { registry, importer, locks } = world.ports;
  await world.import(document, {
    registry: life.port('sec', registry),
    importer: life.port('importer', importer),
    locks: life.port('locks', locks),
  });
  return writes;
}

/** Writes of an import that nobody overtakes. */
const undisturbed = await (async () => {
  const world = await importWorld();
  const { document } = await world.release();
  return await overtaken(world, document, Infinity, async () => undefined);
})();

test('threat 38: two imports of one release, the one at any moment of the other: both are done', async (t) => {
  for (let at = 1; at <= undisturbed; at += 1) {
    const world = await importWorld();
    const { document, image, index } = await world.release();
    t.true(undisturbed > 20);
    await overtaken(world, document, at, () => world.import(document));
    t.like(await world.tags(), { '1.4.0': image.digest, 'release-7': index.digest }, `write ${at}`);
    for (const tag of ['1.4.0', 'release-7']) t.true(world.locks.locked.has(`${repository}:${tag}`));
    t.true(world.locks.locked.has(`${repository}@${image.digest}`), `write ${at}`);
    const receipts = await world.receipts();
    t.true(receipts.length === 1 || receipts.length === 2);
    t.is((await listedReceipts(world.final)).length, receipts.length);
    t.true((await world.import(document)).already);
  }
});

test('threat 38: at the same time', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  const reports = await Promise.all([1, 2, 3].map(async () => world.import(document)));
  t.is(new Set(reports.map(({ reference }) => reference)).size, 1);
  t.true((await world.import(document)).already);
});

test('threat 38: two images race for one version: one has it, the other is told, and no tag moves', async (t) => {
  for (let at = 1; at <= undisturbed; at += 1) {
    const world = await importWorld();
    const mine = await world.release({ flavour: 'mine' });
    const yours = await world.release({ flavour: 'yours', counter: 8 });
    const outcomes: unknown[] = [];
    const other = async (): Promise<void> =>
      world.import(yours.document).then(
        () => void outcomes.push('yours'),
        (error: unknown) => void outcomes.push(error),
      );
    await overtaken(world, mine.document, at, other).then(
      () => outcomes.push('mine'),
      (error: unknown) => outcomes.push(error),
    );
    const winners = outcomes.filter((outcome) => typeof outcome === 'string');
    t.is(winners.length, 1, `write ${at}: ${outcomes.map(String).join('; ')}`);
    const lost = outcomes.find((outcome) => outcome instanceof AmlpromoteError);
    t.true(
      lost instanceof AmlpromoteError && (lost.code === 'TAG_CONFLICT' || lost.code === 'ROLLBACK'),
      `write ${at}: ${String(lost)}`,
    );
    const winner = winners[0] === 'mine' ? mine : yours;
    t.is((await world.tags())['1.4.0'], winner.image.digest);
  }
});

test('threat 1: a tag that somebody moves before it is locked is found out', async (t) => {
  for (const tag of ['1.4.0', 'release-7']) {
    const world = await importWorld();
    const { document } = await world.release();
    const other = await world.release({ flavour: 'other', counter: 9, version: '9.0.0' });
    await world.import(other.document);
    const target = tag === '1.4.0' ? other.image : other.index;
    const { locks } = world;
    const lenient = await testPolicy((await keysAndPolicy()).identities, {
      trust: { ...world.policy.trust, allowRollback: true },
    });
    const error = await t.throwsAsync(
      world.import(
        document,
        {
          locks: {
            ...locks,
            lockTag: async (repo, name) => {
              // Straight into the registry: no client of ours does that.
              if (name === tag)
                world.sec.putManifest(repo, (await world.final.manifest(target.digest))!, tag);
              await locks.lockTag(repo, name);
            },
          },
        },
        lenient,
      ),
      { instanceOf: AmlpromoteError },
    );
    t.is(error.code, 'TAG_CONFLICT');
  }
});
