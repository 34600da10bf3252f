import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { pushArtifact } from '../../../src/evidence/artifact.ts';
import { signNotation } from '../../../src/evidence/notation.ts';
import { recordReceipt } from '../../../src/evidence/record-receipt.ts';
import { listedReceipts } from '../../../src/evidence/receipts.ts';
import { loadTrust } from '../../../src/evidence/trust.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { checkRollback } from '../../../src/steps/verify/rollback.ts';
import { importWorld, keysAndPolicy, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { pushImage, pushRelease } from '../../support/signed-release.ts';
import type { SignedRelease } from '../../support/signed-release.ts';

const { identities, policy } = await keysAndPolicy();
const trust = await loadTrust(policy);

/** Releases 7 and 8, admitted one after the other. */
async function admittedTwo() {
  const world = await importWorld();
  const seven = await world.release();
  const eight = await world.release({ flavour: 'second', version: '1.5.0', counter: 8 });
  await world.import(seven.document);
  await world.import(eight.document);
  return { world, seven, eight };
}

const relist = async (world: ImportWorld, keep: number): Promise<void> =>
  await world.final.pushManifest(
    encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests: (await listedReceipts(world.final)).slice(0, keep),
    }),
    'receipts',
  );

/** What somebody who may push does to the list of receipts. */
const attacks: readonly [string, (world: ImportWorld) => Promise<void>][] = [
  ['emptied', async (world) => relist(world, 0)],
  ['shortened', async (world) => relist(world, 1)],
  ['deleted', async (world) => world.sec.untag(repository, 'receipts')],
  [
    'replaced by an image',
    async (world) => {
      const image = await pushImage(world.final, 'junk');
      await world.final.pushManifest((await world.final.manifest(image.digest))!, 'receipts');
    },
  ],
];

async function inconclusive(t: ExecutionContext, work: Promise<unknown>): Promise<AmlpromoteError> {
  const error = await t.throwsAsync(work, { instanceOf: AmlpromoteError });
  t.is(error.code, 'INCONCLUSIVE', error.message);
  t.true(error.nextSteps.length > 0);
  return error;
}

for (const [title, attack] of attacks) {
  test(`threat 46: the list of receipts is ${title}: nothing is admitted until it is mended`, async (t) => {
    const { world, eight } = await admittedTwo();
    const old = await world.release({ flavour: 'old', version: '1.3.0', counter: 7, carried: {} });
    const next = await world.release({ flavour: 'third', version: '1.6.0', counter: 9 });
    await attack(world);
    for (const document of [old.document, next.document]) {
      const error = await t.throwsAsync(world.import(document), { instanceOf: AmlpromoteError });
      t.true(['INCONCLUSIVE', 'TAG_CONFLICT', 'ROLLBACK'].includes(error.code), error.message);
    }
    await inconclusive(t, world.import(next.document));
    // As the advice says: without the tag, the newest release lists its receipt again.
    world.sec.untag(repository, 'receipts');
    t.is((await world.import(eight.document)).verification.verdict, 'allowed');
    t.is((await world.import(next.document)).verification.verdict, 'allowed');
    const error = await t.throwsAsync(world.import({ ...old.document, release: 7 }), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.exitCode, 10);
  });
}

test('threat 46: an older release that is imported again does not make the shortened list good', async (t) => {
  const { world, seven } = await admittedTwo();
  world.sec.untag(repository, 'receipts');
  const error = await inconclusive(t, world.import(seven.document));
  t.regex(error.message, /release-8/);
});

test('threat 46: 64 and more junk entries behind the receipts change nothing', async (t) => {
  const { world, eight } = await admittedTwo();
  const junk = await Promise.all(
    Array.from({ length: 70 }, async (_, at) => await pushImage(world.final, `junk ${at}`)),
  );
  await world.final.pushManifest(
    encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests: [...(await listedReceipts(world.final)), ...junk],
    }),
    'receipts',
  );
  const old = await world.release({ flavour: 'old', version: '1.3.0', counter: 6 });
  const error = await t.throwsAsync(world.import(old.document), { instanceOf: AmlpromoteError });
  t.is(error.code, 'ROLLBACK');
  t.true((await world.import(eight.document)).already);
});

test('threat 46: junk under release tags is no witness; a signed release that was never admitted leaves the question open', async (t) => {
  const { world } = await admittedTwo();
  const next = await world.release({ flavour: 'third', version: '1.6.0', counter: 9 });
  const check = async () => {
    const { reasons } = await checkRollback(world.final, nextOf(next), trust, world.clock.now());
    return reasons?.map(({ code, verdict }) => `${verdict} ${code}`);
  };
  t.deepEqual(await check(), []);
  const image = await pushImage(world.final, 'junk');
  await world.final.pushManifest((await world.final.manifest(image.digest))!, 'release-999999998');
  t.deepEqual(await check(), []);
  await pushRelease(world.final, {
    now: world.clock.now(),
    signer: identities.strangerSigner,
    counter: 50,
    flavour: 'stranger',
  });
  t.deepEqual(await check(), []);
  await pushRelease(world.final, {
    now: world.clock.now(),
    signer: identities.releaseSigner,
    counter: 60,
    flavour: 'never admitted',
    version: '9.0.0',
  });
  t.deepEqual(await check(), ['inconclusive CONTRADICTION']);
});

const nextOf = ({ document }: SignedRelease) => document;

test('threat 46: a release whose signer is trusted no more is a witness all the same, by the receipt that is attached', async (t) => {
  const { world, eight } = await admittedTwo();
  await relist(world, 1);
  const { reasons } = await checkRollback(
    world.final,
    eight.document,
    { ...trust, signers: [] },
    world.clock.now(),
  );
  t.deepEqual(
    reasons?.map(({ code }) => code),
    ['CONTRADICTION'],
  );
});

test('data of 0.1.0: of several indexes that were admitted under one counter, the newest signed one counts', async (t) => {
  const world = await importWorld();
  const made: SignedRelease[] = [];
  for (const [at, finishedAt] of ['2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z'].entries()) {
    // 0.1.0 admitted fresh evidence under the same counter; the second index was signed first here.
    const release = await pushRelease(world.final, {
      now: new Date(world.clock.now().getTime() - at * 3_600_000),
      signer: identities.releaseSigner,
      report: { finishedAt },
    });
    made.push(release);
  }
  // Each verdict was written before the other was known, as this version no longer does.
  const lists = [];
  for (const { document, image } of made) {
    world.sec.untag(repository, 'receipts');
    await recordReceipt(
      world.final,
      {
        image,
        host: 'sec.azurecr.test',
        toolVersion: '0.1.0',
        policyDigest: trust.policyDigest,
        inputs: [document.index.digest],
        result: 'PASSED',
        release: {
          name: document.name,
          version: document.version,
          release: document.release,
          repository,
          index: document.index.digest,
        },
        actions: [],
      },
      { signer: identities.receiptSigner, keys: trust.receipts, clock: world.clock },
    );
    lists.push(...(await listedReceipts(world.final)));
  }
  await world.final.pushManifest(
    encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: lists }),
    'receipts',
  );
  const reasonsOf = async (release: SignedRelease) =>
    (await checkRollback(world.final, release.document, trust, world.clock.now())).reasons?.map(
      ({ code }) => code,
    );
  t.deepEqual(await reasonsOf(made[0]!), []);
  t.deepEqual(await reasonsOf(made[1]!), ['COUNTER_TAKEN']);
  // A younger signature of the other index turns it round.
  await pushArtifact(
    world.final,
    await signNotation(made[1]!.index, identities.releaseSigner, world.clock.now()),
  );
  await pushArtifact(
    world.final,
    await signNotation(
      made[1]!.index,
      identities.releaseSigner,
      new Date(world.clock.now().getTime() + 60_000),
    ),
  );
  t.deepEqual(await reasonsOf(made[1]!), []);
});
