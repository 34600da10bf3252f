import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Digest } from '../../src/domain/digest.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import { parseReleaseDocument, formatReleaseDocument } from '../../src/evidence/release-document.ts';
import { readReceipts } from '../../src/evidence/receipts.ts';
import { loadTrust } from '../../src/evidence/trust.ts';
import { promoteInside, promoteOutside } from '../../src/sides/promote.ts';
import type { InsideResult, OutsideResult } from '../../src/sides/promote.ts';
import { violationsOf } from '../support/final-repository.ts';
import { Killed } from '../support/mortal.ts';
import { newStore, prepareGround, startRun, memoryZones } from '../support/memory-zones.ts';
import type { Run, RunOptions, MemoryZones } from '../support/memory-zones.ts';

const ground = await prepareGround();
const { repository } = ground.spec;

interface Result {
  readonly outside: OutsideResult;
  readonly inside: InsideResult;
}

/** Begins a run that minds, at each write into the final repository, whether it has verified what it writes. */
function begin(t: ExecutionContext, world: MemoryZones, options: RunOptions): Run {
  const run = startRun(ground, world, options);
  run.life.onWrite((write) => {
    if (!/^sec\.push\w+ ml\//.test(write)) return;
    const allowed = run.events.some(
      (event) => event.type === 'finished' && event.step === 'verify' && event.detail === 'allowed',
    );
    t.true(allowed, `${write} before anything was verified`);
  });
  return run;
}

/** Through release.json, as between two processes. */
const handedOver = (document: ReleaseDocument): ReleaseDocument =>
  parseReleaseDocument(Buffer.from(formatReleaseDocument(document)));

async function promote({ outside, inside }: Run): Promise<Result> {
  const out = await promoteOutside(outside, ground.spec);
  return { outside: out, inside: await promoteInside(inside, handedOver(out.release.document), {}) };
}

/** Runs until it is killed; then an hour passes. @returns false when the run came to its end before that */
async function killed(t: ExecutionContext, world: MemoryZones, options: RunOptions): Promise<boolean> {
  const run = begin(t, world, options);
  const why = `killed after ${run.effects.at(-1) ?? 'nothing'}`;
  const died = await promote(run).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Killed || !run.life.alive) return true;
      throw error;
    },
  );
  t.deepEqual(await violationsOf(world, repository, ground.policy), [], why);
  await world.clock.sleep(3_600_000);
  return died;
}

const releaseTag = async (world: MemoryZones): Promise<Digest | undefined> =>
  (await world.dev.repository(repository).resolve('release-1'))?.digest;

interface Expected {
  readonly image: Digest;
  readonly release?: Digest | undefined;
}

/** Runs to the end, which must be what is expected, and leave both zones as they should be. */
async function completes(
  t: ExecutionContext,
  world: MemoryZones,
  options: RunOptions,
  expected: Expected,
): Promise<Result> {
  const result = await promote(begin(t, world, options));
  const { outside, inside } = result;
  const { document } = outside.release;
  t.is(outside.build.image.digest, expected.image);
  t.is(document.release, 1);
  if (expected.release !== undefined) t.is(document.index.digest, expected.release);
  await arrived(t, world, document, inside, expected);
  return result;
}

async function arrived(
  t: ExecutionContext,
  world: MemoryZones,
  document: ReleaseDocument,
  inside: InsideResult,
  { image }: Expected,
): Promise<void> {
  t.deepEqual(await violationsOf(world, repository, ground.policy), []);
  const final = world.sec.repository(repository);
  const { release, receipt, reference } = inside.import;
  t.is(reference, `${world.sec.host}/${repository}@${image}`);
  t.is(release.index.digest, document.index.digest);
  const listed = [release.image, ...release.evidence.map(({ descriptor }) => descriptor), release.index];
  for (const digest of [...listed.map((one) => one.digest), ...document.signatures, receipt]) {
    t.truthy(await final.resolve(digest));
    t.true(world.locks.locked.has(`${repository}@${digest}`), `${digest} is not locked`);
  }
  for (const [tag, { digest }] of [
    ['1.4.0', release.image],
    [`release-${document.release}`, release.index],
  ] as const) {
    t.is((await final.resolve(tag))?.digest, digest);
    t.true(world.locks.locked.has(`${repository}:${tag}`), `${tag} is not locked`);
  }
  const { receipts } = await loadTrust(ground.policy);
  const believed = await readReceipts(final, receipts);
  t.is(believed.filter((one) => one.release.index === document.index.digest).length, 1);
  const environment = await world.workspace.environments.read('churn-train', '1.4.0');
  t.is(environment?.image, reference);
  t.is(inside.run?.job.status, 'Completed');
}

/** The same run again has nothing to do but the job. */
async function isDone(
  t: ExecutionContext,
  world: MemoryZones,
  options: RunOptions,
  before: Result,
): Promise<void> {
  const { outside, inside } = await promote(begin(t, world, options));
  t.deepEqual(outside.release.document, before.outside.release.document);
  for (const done of [outside.build, outside.publish, outside.sign, outside.release]) t.true(done.already);
  t.is(inside.import.receipt, before.inside.import.receipt);
  t.is(inside.import.reference, before.inside.import.reference);
  t.true(inside.import.already);
  t.true(inside.register.already);
}

/** What a run that nobody disturbs does; the others are measured by it. */
const undisturbed = (async () => {
  const world = memoryZones();
  const store = newStore(ground);
  const run = startRun(ground, world, { store });
  const result = await promote(run);
  const { effects } = run;
  const { writes } = run.life;
  return {
    world,
    store,
    result,
    effects,
    writes,
    image: result.outside.build.image.digest,
    release: result.outside.release.document.index.digest,
    outsideEffects: effects.findIndex((effect) => effect.startsWith('import')),
    outsideWrites: writes.findIndex((write) => write.startsWith('importer')),
  };
})();

test('a run that nobody disturbs, and the same again', async (t) => {
  const { effects, writes, world, store, result, image, release } = await undisturbed;
  t.true(effects.length > 40, effects.join('\n'));
  t.true(writes.length > effects.length);
  t.deepEqual(
    [...new Set(effects.map((effect) => effect.split(':')[0]))],
    ['build', 'scan', 'publish', 'sign', 'release', 'import', 'register', 'run'],
  );
  await arrived(t, world, result.outside.release.document, result.inside, { image, release });
  await isDone(t, world, { store }, result);
  t.is(world.engine.builds, 1);
});

/** So that one test does not take all the time, and each tells where it failed. */
const slices = 2;
for (let slice = 0; slice < slices; slice += 1) {
  const part = `(${slice + 1} of ${slices})`;

  test(`threat 39: killed at any effect outside, the next run ends as if nothing had been ${part}`, async (t) => {
    const { outsideEffects, image } = await undisturbed;
    for (let at = 1 + slice; at <= outsideEffects; at += slices) {
      const world = memoryZones();
      const store = newStore(ground);
      t.true(await killed(t, world, { store, killAtEffect: at }), `effect ${at}`);
      const release = await releaseTag(world);
      const result = await completes(t, world, { store }, { image, release });
      if (at % 5 === 0) await isDone(t, world, { store }, result);
    }
  });

  test(`threat 39: killed at any effect inside, the next run ends as if nothing had been ${part}`, async (t) => {
    const { effects, outsideEffects, image, release, store, world: before } = await undisturbed;
    for (let at = 1 + slice; at <= effects.length - outsideEffects; at += slices) {
      const world = memoryZones({ dev: before.dev, dropChildren: at % 3 === 0 });
      t.true(await killed(t, world, { store, killAtEffect: at }), `effect ${at}`);
      const completed = [...world.recordsOf(store).all.values()].filter(({ state }) => state === 'completed');
      const result = await completes(t, world, { store }, { image, release });
      t.is(world.workspace.submitted.length, completed.length + 1, `effect ${at}: a job was started twice`);
      if (at % 9 === 0) await isDone(t, world, { store }, result);
    }
  });
}

test('threat 39: killed anywhere inside, release.json is all that another machine needs', async (t) => {
  const { writes, outsideWrites, image, release, store, world: outside, result } = await undisturbed;
  const document = handedOver(result.outside.release.document);
  for (let after = 1; after <= writes.length - outsideWrites; after += 2) {
    const world = memoryZones({ dev: outside.dev });
    await killed(t, world, { store, killAfterWrites: after });
    const elsewhere = begin(t, world, { store: newStore(ground) });
    const before = world.workspace.submitted.length;
    const inside = await promoteInside(elsewhere.inside, document, {});
    t.is(world.workspace.submitted.length, before + 1, 'another machine starts a job of its own');
    await arrived(t, world, document, inside, { image, release });
  }
});

test('threat 39: killed anywhere outside, another machine with an empty store comes to the same image', async (t) => {
  const { writes, outsideWrites, image } = await undisturbed;
  for (let after = 1; after <= outsideWrites; after += 4) {
    const world = memoryZones();
    await killed(t, world, { store: newStore(ground), killAfterWrites: after });
    // What the dead machine has published is the evidence; where it had tagged a release, that one is gone on with.
    const release = await releaseTag(world);
    await completes(t, world, { store: newStore(ground) }, { image, release });
  }
  t.true(writes.length > outsideWrites);
});

test('threat 39: killed twice, anywhere', async (t) => {
  const { writes, image } = await undisturbed;
  const moment = fc.integer({ min: 1, max: writes.length });
  await fc.assert(
    fc.asyncProperty(moment, moment, fc.boolean(), async (first, second, dropChildren) => {
      const world = memoryZones({ dropChildren });
      const store = newStore(ground);
      await killed(t, world, { store, killAfterWrites: first });
      await killed(t, world, { store, killAfterWrites: second });
      await completes(t, world, { store }, { image, release: await releaseTag(world) });
    }),
    { numRuns: 6 },
  );
});
