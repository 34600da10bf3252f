import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { signNotation } from '../../src/evidence/notation.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { keysAndPolicy, importWorld, quarantine, repository } from '../support/import-world.ts';
import type { ImportWorld } from '../support/import-world.ts';
import { pushImage, testPolicy } from '../support/signed-release.ts';
import type { SignedRelease } from '../support/signed-release.ts';

const { identities, policy } = await keysAndPolicy();

for (const dropChildren of [false, true]) {
  test(`carries, verifies, admits, locks${dropChildren ? ', also when the route leaves children behind' : ''}`, async (t) => {
    const world = await importWorld({ dropChildren });
    const { document, image, index, parts } = await world.release();
    const report = await world.import(document);
    t.is(report.reference, `sec.azurecr.test/${repository}@${image.digest}`);
    t.is(report.verification.verdict, 'allowed');
    t.false(report.already);
    t.is(report.transfers, dropChildren ? 2 + Object.keys(parts).length : 2);
    const tags = await world.tags();
    t.deepEqual(Object.keys(tags).sort(), ['1.4.0', 'receipts', 'release-7']);
    t.is(tags['1.4.0'], image.digest);
    t.is(tags['release-7'], index.digest);
    const listed = [image, index, ...Object.values(parts)].map(({ digest }) => digest);
    for (const digest of [...listed, ...document.signatures, report.receipt]) {
      t.truthy(await world.final.resolve(digest), digest);
      t.true(world.locks.locked.has(`${repository}@${digest}`), digest);
    }
    t.true(world.locks.locked.has(`${repository}:1.4.0`));
    t.true(world.locks.locked.has(`${repository}:release-7`));
    // The list of receipts goes on growing.
    t.false(world.locks.locked.has(`${repository}:receipts`));
    t.deepEqual(await world.sec.repository(quarantine).tags(), []);
    const [receipt, ...more] = await world.receipts();
    t.deepEqual(more, []);
    t.is(receipt?.release.index, index.digest);
    t.is(receipt?.policyDigest, report.policyDigest);
    t.deepEqual([...(receipt?.inputs ?? [])].sort(), [...listed.slice(1), ...document.signatures].sort());
  });
}

test('again: done, nothing is asked of the route and nothing changes', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  const first = await world.import(document);
  const before = await world.state();
  const asked = world.importer.requests.length;
  world.clock.sleep(3_600_000).catch(() => undefined);
  const again = await world.import(document);
  t.true(again.already);
  t.is(again.receipt, first.receipt);
  t.is(again.transfers, 0);
  t.is(world.importer.requests.length, asked);
  t.deepEqual(await world.state(), before);
});

test('an import that was killed before tagging does not call itself done', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  await t.throwsAsync(
    world.import(document, {
      progress: (event) => {
        if (event.type === 'effect' && event.effect === 'receipt') throw new Error('killed');
      },
    }),
    { message: 'killed' },
  );
  t.deepEqual(Object.keys(await world.tags()), ['receipts']);
  t.false((await world.import(document)).already);
  t.true((await world.import(document)).already);
});

/** An import that must fail: with this code, and with nothing new in the final repository. */
async function refuses(
  t: ExecutionContext,
  world: ImportWorld,
  work: () => Promise<unknown>,
  code: ErrorCode,
): Promise<AmlpromoteError> {
  const before = [await world.tags(), [...world.sec.manifests(repository)], [...world.locks.locked]];
  const error = await t.throwsAsync(work, { instanceOf: AmlpromoteError });
  t.is(error.code, code, error.message);
  t.true(error.nextSteps.length > 0);
  t.deepEqual([await world.tags(), [...world.sec.manifests(repository)], [...world.locks.locked]], before);
  return error;
}

test('version tag there with the same image: done; with another: TAG_CONFLICT', async (t) => {
  const world = await importWorld();
  const { document, image } = await world.release();
  const other = await pushImage(world.final, 'other');
  await world.final.pushManifest((await world.final.manifest(other.digest))!, '1.4.0');
  const error = await refuses(t, world, () => world.import(document), 'TAG_CONFLICT');
  t.is(error.exitCode, 10);

  const mine = await importWorld();
  const release = await mine.release();
  await pushImage(mine.final);
  await mine.final.pushManifest((await mine.final.manifest(image.digest))!, '1.4.0');
  t.is((await mine.import(release.document)).verification.verdict, 'allowed');
  t.is((await mine.tags())['1.4.0'], image.digest);
});

test('a release number that is taken by another image is found before anything is admitted', async (t) => {
  const world = await importWorld();
  await world.import((await world.release()).document);
  const second = await world.release({
    flavour: 'second',
    version: '1.5.0',
  });
  const error = await refuses(t, world, () => world.import(second.document), 'TAG_CONFLICT');
  t.regex(error.message, /release-7/);
});

const broken: readonly [string, ErrorCode, (world: ImportWorld, release: SignedRelease) => void][] = [
  [
    'threat 7: listed evidence is missing at the source',
    'LISTED_CONTENT_MISSING',
    ({ dev }, { parts }) => dev.drop(parts.sbom!.digest),
  ],
  [
    'threat 6: the signature of the index is missing at the source',
    'LISTED_CONTENT_MISSING',
    ({ dev }, { document }) => dev.drop(document.signatures[0]!),
  ],
  [
    'the index is missing at the source',
    'LISTED_CONTENT_MISSING',
    ({ dev }, { index }) => dev.drop(index.digest),
  ],
  [
    'the route fails',
    'OPERATION_FAILED',
    ({ importer }) => importer.fail(new AmlpromoteError('OPERATION_FAILED', 'failed', { nextSteps: ['…'] })),
  ],
  [
    'the route never ends',
    'TIMEOUT',
    ({ importer }) => importer.fail(new AmlpromoteError('TIMEOUT', 'too long', { nextSteps: ['…'] })),
  ],
  [
    'the final repository cannot be reached',
    'UNREACHABLE',
    ({ sec }) => sec.fail(1, new AmlpromoteError('UNREACHABLE', 'no way', { nextSteps: ['…'] }), 'resolve'),
  ],
];
for (const [title, code, breakIt] of broken) {
  test(`nothing is admitted: ${title}`, async (t) => {
    const world = await importWorld({ dropChildren: true });
    const release = await world.release();
    breakIt(world, release);
    await refuses(t, world, () => world.import(release.document), code);
    t.deepEqual(world.sec.manifests(repository), []);
  });
}

test('a route whose answer is lost has done its work all the same', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  world.importer.fail(new AmlpromoteError('OPERATION_FAILED', 'Tag already exists'), 'done');
  t.is((await world.import(document)).verification.verdict, 'allowed');
});

test('threat 2: content that is damaged in quarantine is refused, with the way out', async (t) => {
  for (const part of ['index', 'sbom', 'image'] as const) {
    const world = await importWorld();
    const { document, image, index, parts } = await world.release();
    await world.importer.carry({
      sourceRepository: repository,
      targetRepository: quarantine,
      content: index,
      progress: () => undefined,
    });
    const digest = { index: index.digest, sbom: parts.sbom!.digest, image: image.digest }[part];
    world.sec.corrupt(digest, Buffer.from('{"schemaVersion":2}'));
    const error = await refuses(t, world, () => world.import(document), 'INTEGRITY_MISMATCH');
    t.regex(error.nextSteps.join(' '), new RegExp(`${quarantine}.*import again`), part);
    world.sec.drop(digest);
    t.is((await world.import(document)).verification.verdict, 'allowed');
  }
});

test('could not be reached while verifying: 20, nothing admitted, and the next run goes on', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  world.sec.fail(Infinity, new AmlpromoteError('UNREACHABLE', 'reset'), 'blob');
  const error = await refuses(t, world, () => world.import(document), 'INCONCLUSIVE');
  t.is(error.exitCode, 20);
});

test('threat 8: a lower counter is refused before anything is carried', async (t) => {
  const world = await importWorld();
  await world.import((await world.release({ counter: 8 })).document);
  const old = await world.release({ flavour: 'old', counter: 7, version: '1.3.0' });
  const asked = world.importer.requests.length;
  await refuses(t, world, () => world.import(old.document), 'ROLLBACK');
  t.is(world.importer.requests.length, asked);
  const lenient = await testPolicy(identities, {
    trust: {
      signers: policy.trust.signers,
      receipts: policy.trust.receipts,
      allowRollback: true,
    },
  });
  t.is((await world.import(old.document, {}, lenient)).verification.verdict, 'allowed');
});

test('threat 47: fresh evidence of the same image under the same counter is refused, under the next one admitted; no tag moves', async (t) => {
  const world = await importWorld();
  const first = await world.release();
  await world.import(first.document);
  const second = await world.release({ report: { finishedAt: '2026-11-21T11:00:00Z' } });
  t.not(second.index.digest, first.index.digest);
  const before = await world.tags();
  const asked = world.importer.requests.length;
  const error = await refuses(t, world, () => world.import(second.document), 'TAG_CONFLICT');
  t.regex(error.nextSteps.join(' '), /next counter/);
  t.is(world.importer.requests.length, asked);
  const third = await world.release({ report: { finishedAt: '2026-11-21T11:00:00Z' }, counter: 8 });
  const report = await world.import(third.document);
  t.false(report.already);
  t.like(await world.tags(), {
    ...before,
    receipts: (await world.tags()).receipts!,
    'release-8': third.index.digest,
  });
  t.true(world.locks.locked.has(`${repository}:release-7`));
  t.is((await world.receipts()).length, 2);
});

test('threat 47: an older index of the same counter is not admitted again, whatever the policy says of going back', async (t) => {
  const world = await importWorld();
  const older = await world.release();
  const newer = await world.release({ report: { finishedAt: '2026-11-21T11:00:00Z' } });
  await world.import(newer.document);
  const lenient = await testPolicy(identities, { trust: { ...policy.trust, allowRollback: true } });
  await refuses(t, world, () => world.import(older.document, {}, lenient), 'TAG_CONFLICT');
  t.is((await world.tags())['release-7'], newer.index.digest);
});

test('a release tag that names junk and is not locked stops nobody; a locked one never moves', async (t) => {
  for (const isLocked of [false, true]) {
    const world = await importWorld();
    const { document, index } = await world.release();
    const junk = await pushImage(world.final, 'junk');
    await world.final.pushManifest((await world.final.manifest(junk.digest))!, 'release-7');
    if (isLocked) await world.locks.lockTag(repository, 'release-7');
    if (!isLocked) {
      t.is((await world.import(document)).verification.verdict, 'allowed');
      t.is((await world.tags())['release-7'], index.digest);
      continue;
    }
    const error = await t.throwsAsync(world.import(document), { instanceOf: AmlpromoteError });
    t.is(error.code, 'TAG_CONFLICT');
    t.is((await world.tags())['release-7'], junk.digest);
    // The index under the next counter is admitted.
    const next = await world.release({ counter: 8 });
    t.is((await world.import(next.document)).verification.verdict, 'allowed');
  }
});

test('a version that is a tag of the tool’s own by now is not admitted any more', async (t) => {
  for (const version of ['records', 'receipt-7-0123456789ab']) {
    const world = await importWorld();
    const { document } = await world.release({ version, carried: { version } });
    await refuses(t, world, () => world.import(document), 'TAG_CONFLICT');
    t.deepEqual(world.importer.requests, []);
  }
});

test('a second release of another image', async (t) => {
  const world = await importWorld();
  const first = await world.release();
  await world.import(first.document);
  const second = await world.release({ flavour: 'second', version: '1.5.0', counter: 8 });
  await world.import(second.document);
  t.like(await world.tags(), {
    '1.4.0': first.image.digest,
    '1.5.0': second.image.digest,
    'release-7': first.index.digest,
    'release-8': second.index.digest,
  });
  const receipts = await world.receipts();
  t.deepEqual(
    receipts.map(({ highest }) => highest),
    [7, 8],
  );
  t.deepEqual(receipts[1]?.previous, [receipts[0]?.descriptor.digest]);
});

test('the same image under a new version: its lock is lifted for the new tag, and back afterwards', async (t) => {
  const world = await importWorld();
  const first = await world.release();
  await world.import(first.document);
  const second = await world.release({ version: '1.5.0', counter: 8 });
  t.is(second.image.digest, first.image.digest);
  await world.import(second.document);
  const tags = await world.tags();
  t.is(tags['1.5.0'], first.image.digest);
  t.is(tags['1.4.0'], first.image.digest);
  for (const one of [`@${first.image.digest}`, ':1.4.0', ':1.5.0'])
    t.true(world.locks.locked.has(`${repository}${one}`), one);
});

test('a key whose receipts nobody believes is found before anything is carried', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  await refuses(t, world, () => world.import(document, { signer: identities.releaseSigner }), 'KEY_MISSING');
  t.deepEqual(world.importer.requests, []);
});

test('threat 11: what release.json calls a signature, and is none, does not reach the final repository', async (t) => {
  const world = await importWorld();
  const { document, index } = await world.release();
  const evil = await pushImage(world.dev.repository(repository), 'evil');
  const stranger = await signNotation(index, identities.strangerSigner, world.clock.now());
  await pushArtifact(world.dev.repository(repository), stranger);
  const [good] = document.signatures;
  const named = { ...document, signatures: [evil.digest, stranger.manifest.descriptor.digest, good!] };
  for (const already of [false, true]) {
    const report = await world.import(named);
    t.is(report.already, already);
    t.truthy(await world.final.resolve(good!));
    t.is(await world.final.resolve(evil.digest), undefined);
    t.is(await world.final.resolve(stranger.manifest.descriptor.digest), undefined);
    const [receipt] = await world.receipts();
    t.false(receipt?.inputs.includes(evil.digest));
  }
  t.is((await world.receipts()).length, 1);
});

test('release.json says another name than the signed index: refused', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  for (const change of [{ version: '9.9.9' }, { name: 'other' }, { release: 99 }]) {
    const error = await refuses(
      t,
      world,
      () => world.import({ ...document, ...change }),
      'INTEGRITY_MISMATCH',
    );
    t.is(error.exitCode, 10);
  }
});
