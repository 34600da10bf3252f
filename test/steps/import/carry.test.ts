import test from 'ava';
import type { Descriptor } from '../../../src/domain/descriptor.ts';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { silent } from '../../../src/domain/events.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { createCarrier } from '../../../src/steps/import/carry.ts';
import type { CarryOptions } from '../../../src/steps/import/carry.ts';
import type { CarriedRelease } from '../../../src/steps/import/carried-release.ts';
import { importWorld, quarantine, repository } from '../../support/import-world.ts';
import type { ImportWorld } from '../../support/import-world.ts';
import { pushImage } from '../../support/signed-release.ts';

/** A release whose image is an index of two platforms. */
async function setUp(dropChildren: boolean | 'all') {
  const world = await importWorld({ dropChildren });
  const dev = world.dev.repository(repository);
  const platforms: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const manifest = await pushImage(dev, architecture, { architecture });
    platforms.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const index = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: platforms });
  await dev.pushManifest(index);
  return { world, platforms, made: await world.release({ image: index.descriptor }) };
}

/** All parts in their order, judged by nobody. */
async function carry(options: CarryOptions): Promise<{ carried: CarriedRelease; transfers: number }> {
  const carrier = createCarrier(options);
  const [failure] = (await carrier.signatures()).failures;
  if (failure) throw failure;
  const carried = await carrier.parts(await carrier.index());
  return { carried, transfers: carrier.transfers };
}

const carryFrom = (world: ImportWorld, document: CarryOptions['document']) =>
  carry({
    document,
    importer: world.importer,
    target: world.sec.repository(quarantine),
    progress: silent,
  });

for (const dropChildren of [false, true, 'all'] as const) {
  test(`an image of several platforms arrives whole (children dropped: ${String(dropChildren)})`, async (t) => {
    const { world, platforms, made } = await setUp(dropChildren);
    const { carried, transfers } = await carryFrom(world, made.document);
    const there = world.sec.manifests(quarantine);
    for (const { digest } of [made.image, made.index, ...platforms, ...Object.values(made.parts)]) {
      t.true(there.includes(digest));
      t.true(carried.manifests.some((one) => one.digest === digest));
    }
    t.deepEqual(
      carried.signatures.map(({ digest }) => digest),
      [...made.document.signatures],
    );
    t.true(transfers >= 2);
    t.is((await carryFrom(world, made.document)).transfers, 0);
  });
}

test('a platform that the source has lost is missed', async (t) => {
  const { world, platforms, made } = await setUp('all');
  world.dev.drop(platforms[1]!.digest);
  const error = await t.throwsAsync(carryFrom(world, made.document), { instanceOf: AmlpromoteError });
  t.is(error.code, 'LISTED_CONTENT_MISSING');
});

test('a route that says it is done and is not', async (t) => {
  const { world, made } = await setUp(false);
  const error = await t.throwsAsync(
    carry({
      document: made.document,
      importer: { route: 'acr-import', carry: async () => undefined },
      target: world.sec.repository(quarantine),
      progress: silent,
    }),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'LISTED_CONTENT_MISSING');
  t.regex(error.message, new RegExp(`did not arrive in ${quarantine}`));
  t.true(error.nextSteps.length > 0);
});

test('release.json names another size or another kind of manifest', async (t) => {
  const { world, made } = await setUp(false);
  const { document, image } = made;
  for (const index of [
    { ...document.index, size: document.index.size + 1 },
    { digest: world.dev.manifests(repository)[0]!, size: 1 },
  ]) {
    const error = await t.throwsAsync(carryFrom(world, { ...document, index }), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'INTEGRITY_MISMATCH');
  }
  const error = await t.throwsAsync(
    carryFrom(world, { ...document, index: { digest: image.digest, size: image.size } }),
    { instanceOf: AmlpromoteError },
  );
  t.is(error.code, 'CONTENT_INVALID');
});
