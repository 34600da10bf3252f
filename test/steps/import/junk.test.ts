import test from 'ava';
import fc from 'fast-check';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { listedReceipts } from '../../../src/evidence/receipts.ts';
import { loadTrust } from '../../../src/evidence/trust.ts';
import { verifyImage } from '../../../src/steps/verify.ts';
import { checkRollback } from '../../../src/steps/verify/rollback.ts';
import { silent } from '../../../src/domain/events.ts';
import { importWorld, keysAndPolicy, quarantine, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { attachJunk, junkAnnotations, junkTypes } from '../../support/junk-referrers.ts';

const { policy } = await keysAndPolicy();
const trust = await loadTrust(policy);

const junk = fc.array(
  fc.record({
    artifactType: fc.constantFrom(...junkTypes),
    annotations: fc.constantFrom(...junkAnnotations),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Entries that a list cannot be read by, put between those that are there. */
async function spoilReceipts(world: ImportWorld, entries: readonly unknown[], at: number): Promise<void> {
  const listed: unknown[] = [...(await listedReceipts(world.final))];
  listed.splice(Math.min(at, listed.length), 0, ...entries);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: listed }));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: sha256(bytes), size: bytes.byteLength };
  world.sec.putManifest(repository, { descriptor, bytes }, 'receipts');
}

test('threat 13: junk attached to an image, in any order and number, changes nothing that verification says', async (t) => {
  await fc.assert(
    fc.asyncProperty(junk, async (all) => {
      const world = await importWorld();
      const { image } = await world.release();
      const judge = async () =>
        verifyImage(
          { host: world.dev.host, repository, image, content: world.dev.repository(repository), trust },
          { clock: world.clock, progress: silent },
        );
      const before = await judge();
      t.is(before.verdict, 'allowed');
      for (const one of all) attachJunk(world.dev, repository, image, one);
      const after = await judge();
      t.is(after.verdict, 'allowed');
      t.deepEqual(
        after.rules.map(({ rule, verdict, evidence }) => [rule, verdict, evidence]),
        before.rules.map(({ rule, verdict, evidence }) => [rule, verdict, evidence]),
      );
    }),
    { numRuns: 8 },
  );
});

test('threats 13, 46: junk attached inside and in the list of receipts stops no import and lowers no counter', async (t) => {
  await fc.assert(
    fc.asyncProperty(junk, fc.nat({ max: 4 }), async (all, at) => {
      const world = await importWorld();
      const seven = await world.release();
      const eight = await world.release({ flavour: 'second', version: '1.5.0', counter: 8 });
      await world.import(seven.document);
      for (const one of all) {
        for (const place of [repository, quarantine]) attachJunk(world.sec, place, eight.image, one);
        attachJunk(world.sec, repository, seven.image, one);
      }
      const { mediaType, digest, size } = seven.image;
      await spoilReceipts(
        world,
        [
          ...all.map(({ annotations }) => ({ mediaType, digest, size, annotations })),
          null,
          { digest, size: -1 },
        ],
        at,
      );
      t.true((await world.import(eight.document)).verification.verdict === 'allowed');
      await spoilReceipts(world, [{ annotations: { a: null } }, { mediaType, digest, size: 1.5 }], at);
      const counted = { name: 'churn-train', version: '1.4.0', release: 7, index: seven.index };
      const { reasons = [] } = await checkRollback(world.final, counted, trust, world.clock.now());
      t.deepEqual(
        reasons.map(({ code }) => code),
        ['ROLLBACK'],
      );
    }),
    { numRuns: 6 },
  );
});

test('threat 46: an old release that is imported again pushes no newer receipt out of a full list', async (t) => {
  const world = await importWorld();
  const old = await world.release();
  const newer = await world.release({ flavour: 'second', version: '1.5.0', counter: 8 });
  await world.import(old.document);
  const [first] = await listedReceipts(world.final);
  await world.import(newer.document);
  const newest = (await listedReceipts(world.final)).filter(({ digest }) => digest !== first?.digest);
  const { mediaType, digest, size } = old.image;
  const manifests = [...newest, ...Array.from({ length: 4999 }, () => ({ mediaType, digest, size }))];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: sha256(bytes), size: bytes.byteLength };
  world.sec.putManifest(repository, { descriptor, bytes }, 'receipts');
  await world.import(old.document).catch((error: unknown) => error);
  const listed = (await listedReceipts(world.final)).map((one) => one.digest);
  for (const one of [...newest, first!]) t.true(listed.includes(one.digest));
});
