import test from 'ava';
import { silent } from '../../../src/domain/events.ts';
import type { ReleaseDocument } from '../../../src/domain/release.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { discardRelease } from '../../../src/steps/import/discard.ts';
import { waitingIn } from '../../../src/steps/import/waiting.ts';
import { importWorld, quarantine, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { pushImage } from '../../support/signed-release.ts';

const discard = async (world: ImportWorld, document: ReleaseDocument) =>
  await discardRelease(document, {
    registry: world.ports.registry,
    inventory: world.shelf,
    remover: world.shelf,
    progress: silent,
  });

const waiting = async (world: ImportWorld) => await waitingIn(world.ports.registry, repository, world.shelf);

/** In quarantine, and refused there: it has no SBOM. */
async function refused(world: ImportWorld, options: Parameters<ImportWorld['release']>[0] = {}) {
  const made = await world.release({ signers: { sbom: null }, ...options });
  await world.import(made.document).catch(() => undefined);
  return made;
}

test('what a refused import left is listed with its age, removed, and gone', async (t) => {
  const world = await importWorld();
  const { document, index } = await refused(world);
  t.deepEqual(await waiting(world), [
    { digest: index.digest, since: '2026-11-21T12:00:00.000Z', release: { counter: 7, version: '1.4.0' } },
  ]);
  const { removed, kept, already } = await discard(world, document);
  t.false(already);
  t.deepEqual(kept, []);
  t.true(removed.length >= 6);
  t.is(removed.at(-1), index.digest);
  t.deepEqual(world.sec.manifests(quarantine), []);
  t.deepEqual(await waiting(world), []);
  t.true((await discard(world, document)).already);
});

test('a signature that came alone is listed and removed', async (t) => {
  const world = await importWorld();
  const { document } = await world.release();
  const wrong = { ...document, index: { ...document.index, size: document.index.size + 1 } };
  await world.import(wrong).catch(() => undefined);
  t.deepEqual(
    (await waiting(world)).map(({ digest }) => digest),
    [document.signatures[0]!],
  );
  await discard(world, wrong);
  t.deepEqual(world.sec.manifests(quarantine), []);
});

test('what another release that waits there lists too stays, and that release is imported afterwards', async (t) => {
  const world = await importWorld();
  const bad = await refused(world);
  const good = await world.release({ counter: 8, version: '1.4.1' });
  t.is(good.image.digest, bad.image.digest);
  await world.importer.carry({
    sourceRepository: repository,
    targetRepository: quarantine,
    content: good.index,
    progress: silent,
  });
  const { removed, kept } = await discard(world, bad.document);
  t.true(kept.includes(good.image.digest));
  t.true(removed.includes(bad.index.digest));
  for (const digest of [good.image, good.index, ...Object.values(good.parts)].map((one) => one.digest))
    t.true(world.sec.manifests(quarantine).includes(digest), digest);
  t.is((await world.import(good.document)).verification.verdict, 'allowed');
});

test('an image of several platforms goes with its children, unless another image lists one', async (t) => {
  const world = await importWorld();
  const dev = world.dev.repository(repository);
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async (name) => await pushImage(dev, name)));
  const indexOf = async (children: readonly (typeof a)[]) => {
    const content = encodeManifest({
      mediaType: mediaTypes.ociIndex,
      manifests: children.map((child) => child!),
    });
    await dev.pushManifest(content);
    return content.descriptor;
  };
  const mine = await refused(world, { image: await indexOf([a, b]) });
  const yours = await refused(world, { image: await indexOf([b, c]), counter: 8, version: '1.4.1' });
  const { removed, kept } = await discard(world, mine.document);
  t.true(removed.includes(a!.digest) && removed.includes(mine.image.digest));
  t.deepEqual(kept, [b!.digest]);
  await discard(world, yours.document);
  t.deepEqual(world.sec.manifests(quarantine), []);
});

test('nothing outside of quarantine is touched, whatever release.json names', async (t) => {
  const world = await importWorld();
  const admitted = await world.release();
  await world.import(admitted.document);
  const before = await world.state();
  const final = [...world.sec.manifests(repository)];
  const other = await refused(world, { flavour: 'other', counter: 8, version: '1.5.0' });
  // It names the signatures and the index of others.
  const crafted: ReleaseDocument = {
    ...other.document,
    signatures: [admitted.document.signatures[0]!, admitted.index.digest, admitted.image.digest],
  };
  await discard(world, crafted);
  t.deepEqual(world.sec.manifests(repository), final);
  t.like(await world.state(), { tags: (before as { tags: object }).tags });
  const left = world.sec.manifests(quarantine);
  for (const digest of [admitted.document.signatures[0]!, admitted.index.digest, admitted.image.digest])
    t.true(left.includes(digest));
  t.true(world.shelf.removed.every((one) => one.startsWith(`${quarantine}@`)));
});

test('a discard that was killed is gone on with', async (t) => {
  for (let at = 1; at <= 6; at += 1) {
    const world = await importWorld();
    const { document } = await refused(world);
    let removals = 0;
    const killed = discardRelease(document, {
      registry: world.ports.registry,
      inventory: world.shelf,
      remover: {
        remove: async (place, digest) => {
          removals += 1;
          if (removals === at) throw new Error('killed');
          await world.shelf.remove(place, digest);
        },
      },
      progress: silent,
    });
    await t.throwsAsync(killed, { message: 'killed' });
    await discard(world, document);
    t.deepEqual(world.sec.manifests(quarantine), [], `removal ${at}`);
  }
});

test('a registry that wants the list gone before what it lists', async (t) => {
  const world = await importWorld();
  const { document, index } = await refused(world);
  await discardRelease(document, {
    registry: world.ports.registry,
    inventory: world.shelf,
    remover: {
      remove: async (place, digest) => {
        const isListed = digest !== index.digest && world.sec.manifests(quarantine).includes(index.digest);
        if (isListed) throw new AmlpromoteError('OPERATION_FAILED', 'it is part of an index');
        await world.shelf.remove(place, digest);
      },
    },
    progress: silent,
  });
  t.deepEqual(world.sec.manifests(quarantine), []);
});

test('damaged content is removed like any other', async (t) => {
  const world = await importWorld();
  const { document, index } = await refused(world);
  world.sec.corrupt(index.digest, Buffer.from('{}'));
  await discard(world, document);
  t.false(world.sec.manifests(quarantine).includes(index.digest));
});
