import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import type { ReleaseDocument } from '../../src/domain/release.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import { attest } from '../../src/evidence/attestation.ts';
import { scanPredicate } from '../../src/evidence/predicates/scan.ts';
import { predicateTypes } from '../../src/domain/media-types.ts';
import { promoteOutside } from '../../src/sides/promote.ts';
import { attachJunk, junkAnnotations, junkTypes } from '../support/junk-referrers.ts';
import { memoryZones, newStore, prepareGround, startRun } from '../support/memory-zones.ts';
import type { MemoryZones } from '../support/memory-zones.ts';
import { finding, report } from '../support/scan-reports.ts';

/** A CI system's runners: each begins with an empty store, another seal and a later clock. */
const ground = await prepareGround();
const { repository } = ground.spec;
const hour = 3_600_000;

interface Promoted {
  readonly document: ReleaseDocument;
  readonly already: boolean;
  readonly image: string;
}

let runner = 0;
async function promote(world: MemoryZones, found: Partial<ScanReport> = {}): Promise<Promoted> {
  runner += 1;
  await world.clock.sleep(hour);
  const run = startRun(ground, world, { store: newStore(ground), machine: `runner ${runner}`, found });
  const { release } = await promoteOutside(run.outside, ground.spec);
  return { document: release.document, already: release.already, image: release.image.digest };
}

const referrersOf = async (world: MemoryZones, image: string): Promise<number> =>
  (await world.dev.repository(repository).referrers(image as Digest)).length;

test('three promotions from three empty stores: one release, one set of referrers', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  const attached = await referrersOf(world, first.image);
  const tags = await world.dev.repository(repository).tags();
  for (let again = 0; again < 2; again += 1) {
    const next = await promote(world);
    t.deepEqual(next.document, first.document);
    t.true(next.already);
  }
  t.is(await referrersOf(world, first.image), attached);
  t.deepEqual(await world.dev.repository(repository).tags(), tags);
  t.is(world.engine.builds, 1);
});

const newer = { database: { ...report().database, digest: sha256('newer database') } };

test('newer advisories with the same answer need no new evidence', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  const attached = await referrersOf(world, first.image);
  t.deepEqual((await promote(world, newer)).document, first.document);
  t.is(await referrersOf(world, first.image), attached);
});

test('another answer is new evidence under the next counter, once', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  const low = { ...newer, findings: [finding({ severity: 'low' })] };
  const second = await promote(world, low);
  t.is(second.document.release, first.document.release + 1);
  const attached = await referrersOf(world, first.image);
  const third = await promote(world, low);
  t.deepEqual(third.document, second.document);
  t.is(await referrersOf(world, first.image), attached);
});

test('evidence older than the policy takes is made anew', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  await world.clock.sleep(15 * 24 * hour);
  const fresh = { database: { ...report().database, newest: '2026-12-05T00:00:00Z' } };
  const second = await promote(world, fresh);
  t.is(second.document.release, first.document.release + 1);
  t.deepEqual((await promote(world, fresh)).document, second.document);
});

test('what a stranger has attached is not reused', async (t) => {
  const world = memoryZones();
  const first = await promote(world, { findings: [finding({ severity: 'low' })] });
  const target = world.dev.repository(repository);
  const image = (await target.resolve(first.image))!;
  const clean = report({ image: image.digest, finishedAt: '2026-11-21T23:00:00Z', ...newer });
  const request = {
    subject: image,
    name: repository,
    predicateType: predicateTypes.scan,
    predicate: scanPredicate(clean),
  };
  await pushArtifact(target, await attest(request, ground.identities.strangerSigner, world.clock.now()));
  const second = await promote(world, { ...newer, findings: [finding({ severity: 'low' })] });
  t.deepEqual(second.document, first.document);
});

test('threat 13: what junk is attached changes neither the release nor what is signed', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  const target = world.dev.repository(repository);
  const tags = await target.tags();
  const attached = await referrersOf(world, first.image);
  const junk = new Set<string>();
  for (const artifactType of junkTypes)
    for (const annotations of junkAnnotations)
      for (const subject of [first.image, first.document.index.digest]) {
        const found = (await target.resolve(subject))!;
        junk.add(attachJunk(world.dev, repository, found, { artifactType, annotations }).digest);
      }
  for (let again = 0; again < 2; again += 1) {
    const next = await promote(world);
    t.deepEqual(next.document, first.document);
    t.true(next.already);
  }
  const listed = await target.referrers(first.image as Digest);
  t.is(listed.filter(({ digest }) => !junk.has(digest)).length, attached);
  t.deepEqual(await target.tags(), tags);
});

test('where nobody can list what is attached, nothing is signed anew', async (t) => {
  const world = memoryZones();
  const first = await promote(world);
  const attached = await referrersOf(world, first.image);
  const cause = new AmlpromoteError('CONTENT_INVALID', 'x:sha256-00 cannot be read', {
    nextSteps: ['Mend the tag `sha256-00`.'],
  });
  world.dev.fail(Infinity, cause, 'referrers');
  const error = await t.throwsAsync(promote(world), { instanceOf: AmlpromoteError });
  t.is(error.exitCode, 20, error.message);
  t.regex(error.message, /x:sha256-00 cannot be read/);
  world.dev.mend();
  t.is(await referrersOf(world, first.image), attached);
});
